#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace chatgate::base {

/// A number that names one thing and mixes with no other kind of number.
template <class Tag, class Number = std::uint64_t>
struct StrongId {
  Number value = 0;

  friend constexpr auto operator<=>(StrongId, StrongId) = default;
};

/// Names a connection, admitted or refused, for the life of the process: 1, 2, 3, … in the order of
/// accepting. The same number stands in the log, the admin endpoint and a refusal's line.
using SessionId = StrongId<struct SessionIdTag>;

/// Names a listener for the life of the process. A reload never gives a number out again.
using ListenerId = StrongId<struct ListenerIdTag, std::uint32_t>;

}  // namespace chatgate::base

template <class Tag, class Number>
struct std::hash<chatgate::base::StrongId<Tag, Number>> {
  std::size_t operator()(chatgate::base::StrongId<Tag, Number> id) const noexcept {
    return std::hash<Number>{}(id.value);
  }
};
