#include <algorithm>
#include <cmath>

#include <chatgate/admission/token_bucket.h>

namespace chatgate::admission {
namespace {

using base::Clock;

// Keeps now + fill time inside the clock's 64 bits: 100 years in nanoseconds.
constexpr double kFillTimeMax = 100.0 * 365 * 24 * 3600 * 1e9;

// Acceptors read the clock before they get here, so one's `now` may be a little behind another's.
// What a bucket lacks beyond its whole by so little is that lag; beyond that, it is an old debt.
constexpr auto kLagMax = std::chrono::milliseconds{100};

Clock::duration interval_of(base::Rate rate, std::uint32_t burst) noexcept {
  if (rate.per_second <= 0) return Clock::duration::zero();
  const double nanoseconds = std::min(1e9 / rate.per_second, kFillTimeMax / burst);
  return std::chrono::nanoseconds{std::llround(nanoseconds)};
}

}  // namespace

TokenBucket::TokenBucket(base::Rate rate, std::uint32_t burst) noexcept
    : interval_{interval_of(rate, std::max(burst, 1U))},
      fill_time_{interval_ * std::max(burst, 1U)} {}

bool TokenBucket::take(Clock::time_point& full_at, Clock::time_point now) const noexcept {
  auto missing = std::max(full_at - now, Clock::duration::zero());
  if (missing > fill_time_ + kLagMax) missing = fill_time_;
  const bool taken = missing + interval_ <= fill_time_;
  // Stored also when nothing was taken, or the cut of an old debt would begin anew at each call.
  full_at = now + missing + (taken ? interval_ : Clock::duration::zero());
  return taken;
}

}  // namespace chatgate::admission
