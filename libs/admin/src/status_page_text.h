#pragma once

#include <string_view>

namespace chatgate::admin {

/// libs/admin/page as one document; written by CMake. Where it says kNonceMark, a number stands
/// that is used once.
extern const std::string_view kStatusPageText;
inline constexpr std::string_view kNonceMark = "NONCE-OF-THIS-ANSWER";

}  // namespace chatgate::admin
