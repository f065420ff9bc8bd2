#pragma once

#include <chrono>
#include <cstdint>

#include <chatgate/base/units.h>

namespace chatgate::bench {

/// When the operations of an open loop are due, evenly spread: operation k at `start` + k / `rate`.
///
/// Each time is computed from k alone, so that no rounding adds up and no queue is needed to
/// remember what a stalled server has missed.
class Schedule {
 public:
  using Time = base::Clock::time_point;

  /// Requires per_second > 0.
  Schedule(Time start, double per_second) noexcept : start_{start}, per_second_{per_second} {}

  Time due(std::uint64_t operation) const noexcept;

  /// How many operations are due at `now`: the smallest k with due(k) > now.
  std::uint64_t count_due(Time now) const noexcept;

 private:
  Time start_;
  double per_second_;
};

}  // namespace chatgate::bench
