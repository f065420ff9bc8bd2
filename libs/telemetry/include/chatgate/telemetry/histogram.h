#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <chatgate/base/assert.h>
#include <chatgate/telemetry/counter.h>

namespace chatgate::telemetry {

/// The inclusive upper bounds of a histogram's buckets, ascending, in the unit that is observed.
/// Values above the last one have a bucket of their own.
template <std::size_t N>
using HistogramBounds = std::array<std::uint64_t, N>;

/// What one or several histograms of equal bounds have counted.
struct HistogramCounts {
  std::vector<std::uint64_t> bounds;
  std::vector<std::uint64_t> buckets;  // One more than bounds; not cumulative.
  std::uint64_t sum = 0;               // Of the values, modulo 2^64.
};

/// A distribution of whole numbers (nanoseconds, bytes, counts), kept by one thread.
///
/// Threads: observe() on one thread only; add_to() on any. A reader may meet an observation whose
///   bucket is counted and whose value is not yet in the sum.
/// Lifetime: the bounds outlive the histogram; make them constexpr.
/// Cost: observe() is a binary search in N numbers and two Counter additions.
template <std::size_t N>
class Histogram {
 public:
  explicit Histogram(const HistogramBounds<N>& bounds) noexcept : bounds_{bounds} {
    CHATGATE_ASSERT(std::is_sorted(bounds.begin(), bounds.end()));
  }
  explicit Histogram(const HistogramBounds<N>&& bounds) = delete;

  /// Counts `value`, `times` times over.
  void observe(std::uint64_t value, std::uint64_t times = 1) noexcept {
    const auto bound = std::lower_bound(bounds_.begin(), bounds_.end(), value);
    buckets_[static_cast<std::size_t>(bound - bounds_.begin())].add(times);
    sum_.add(value * times);
  }

  /// Adds what was observed so far to `total`, which is empty or holds the same bounds.
  void add_to(HistogramCounts& total) const {
    if (total.buckets.empty()) {
      total.bounds.assign(bounds_.begin(), bounds_.end());
      total.buckets.assign(N + 1, 0);
    }
    CHATGATE_ASSERT(
        std::equal(bounds_.begin(), bounds_.end(), total.bounds.begin(), total.bounds.end()));
    for (std::size_t i = 0; i <= N; ++i) total.buckets[i] += buckets_[i].value();
    total.sum += sum_.value();
  }

 private:
  const HistogramBounds<N>& bounds_;
  std::array<Counter, N + 1> buckets_;
  Counter sum_;
};

}  // namespace chatgate::telemetry
