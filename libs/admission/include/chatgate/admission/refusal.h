#pragma once

#include <cstddef>
#include <cstdint>

namespace chatgate::admission {

/// Why a connection is not let in, in the order in which the checks run: the first that hits is the
/// one reason.
enum class Refusal : std::uint8_t {
  DenyCidr,          // The listener's access lists.
  Penalty,           // What clients of its source did before.
  LimitSourceRate,   // New connections of its source in time.
  LimitSourceCount,  // Open connections of its source.
  LimitListener,     // Open connections of the listener.
  LimitGlobal,       // Open connections of all listeners.
  Memory,            // The memory that we may have.
  Overload,          // At random, before a limit is reached.
};

inline constexpr std::size_t kRefusalCount = 8;
static_assert(kRefusalCount == static_cast<std::size_t>(Refusal::Overload) + 1);

}  // namespace chatgate::admission
