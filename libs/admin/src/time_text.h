#pragma once

#include <chrono>
#include <string>

#include <chatgate/admin/backend.h>

namespace chatgate::admin {

/// Seconds to the millisecond: nobody reads more of them.
double to_seconds(std::chrono::nanoseconds duration) noexcept;

/// `2024-05-01T12:00:00.250Z`: RFC 3339, UTC, always as long.
std::string to_rfc3339(WallTime time);

}  // namespace chatgate::admin
