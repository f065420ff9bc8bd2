#pragma once

#include <cstdint>

#include <chatgate/base/units.h>

namespace chatgate::admission {

/// The rules of a token bucket: `burst` tokens at most, coming back at `rate`.
///
/// A bucket's whole state is one instant, the one at which it is full again: what lies between now
/// and then is what was taken (the virtual scheduling algorithm of ITU-T I.371). So a bucket needs
/// no refilling, is exact to the nanosecond of one token's interval, and is full when that instant
/// is past, under any rules.
///
/// Threads: constant after construction.
class TokenBucket {
 public:
  /// A rate of 0 means no bound; a burst of 0 is taken as 1, the least that lets anyone in.
  TokenBucket(base::Rate rate, std::uint32_t burst) noexcept;

  /// Takes a token at `now` from the bucket that is full again at `full_at`, and moves `full_at`.
  /// Returns false when it has none; that costs nothing: who keeps asking waits no longer for it.
  /// A `now` behind that of an earlier call gives no token that the later one would not.
  /// Under rules that refill faster than those of earlier calls, a bucket is at most empty: a debt
  /// made under a slower rate is cut to what the new rate refills.
  [[nodiscard]] bool take(base::Clock::time_point& full_at,
                          base::Clock::time_point now) const noexcept;

 private:
  base::Clock::duration interval_;   // In which one token comes back.
  base::Clock::duration fill_time_;  // In which an empty bucket becomes full.
};

}  // namespace chatgate::admission
