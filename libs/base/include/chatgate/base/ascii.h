#pragma once

#include <string>
#include <string_view>

namespace chatgate::base {

/// `text` with the letters a to z in upper case, whatever the locale.
std::string to_upper(std::string_view text);

/// `text` without the spaces, tabs and ends of lines around it. A view of `text`.
std::string_view trim(std::string_view text) noexcept;

}  // namespace chatgate::base
