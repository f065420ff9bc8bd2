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

  /// Adds what another one counted. Requires equal bounds.
  void add(const HistogramCounts& other) {
    CHATGATE_ASSERT(bounds == other.bounds);
    for (std::size_t i = 0; i < buckets.size(); ++i) buckets[i] += other.buckets[i];
    sum += other.sum;
  }
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
    buckets_[bucket_of(value)].add(times);
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
  static_assert(N > 0);

  // The number of bounds below `value`. The steps depend on N alone, so that the compiler unrolls
  // them without a branch: std::lower_bound takes twice the instructions.
  std::size_t bucket_of(std::uint64_t value) const noexcept {
    std::size_t below = 0;
    for (std::size_t left = N; left > 1; left -= left / 2) {
      below += bounds_[below + left / 2 - 1] < value ? left / 2 : 0;
    }
    return below + (bounds_[below] < value ? 1 : 0);
  }

  const HistogramBounds<N>& bounds_;
  std::array<Counter, N + 1> buckets_;
  Counter sum_;
};

}  // namespace chatgate::telemetry
