#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace chatgate::bench {

/// Counts durations with three significant digits: a quantile is at most 1/1024 above the exact one
/// and never below. The buckets are those of HdrHistogram (https://hdrhistogram.github.io): linear
/// within a power of two, so that memory is bounded whatever is recorded.
///
/// Threads: one thread records; any thread may read meanwhile, and then sees some of the latest
///   records in one figure and not yet in another.
/// Cost: 264 KiB; a handful of instructions a record, no allocation.
/// Limits: what is longer than kMax counts as kMax, what is negative as 0.
class LatencyHistogram {
 public:
  static constexpr std::chrono::nanoseconds kMax{(std::int64_t{1} << 42) - 1};  // 73 minutes.

  LatencyHistogram();
  LatencyHistogram(const LatencyHistogram& other) : LatencyHistogram() { add(other); }
  LatencyHistogram& operator=(const LatencyHistogram&) = delete;

  /// Counts `times` durations of one length.
  void record(std::chrono::nanoseconds duration, std::uint64_t times = 1) noexcept;

  /// Adds what `other` has counted.
  void add(const LatencyHistogram& other) noexcept;

  void clear() noexcept;

  std::uint64_t count() const noexcept { return load(total_); }
  std::chrono::nanoseconds min() const noexcept;   // Exact; 0 without a record, as the next two.
  std::chrono::nanoseconds max() const noexcept;   // Exact.
  std::chrono::nanoseconds mean() const noexcept;  // Exact.

  /// The smallest duration that `share` (0 to 1) of all records do not exceed, rounded up to the
  /// end of its bucket and never above max(). 0 without a record.
  std::chrono::nanoseconds quantile(double share) const noexcept;

 private:
  using Counter = std::atomic<std::uint64_t>;

  static std::uint64_t load(const Counter& counter) noexcept {
    return counter.load(std::memory_order_relaxed);
  }
  // The one thread that records needs no locked instruction.
  static void store(Counter& counter, std::uint64_t value) noexcept {
    counter.store(value, std::memory_order_relaxed);
  }

  std::vector<Counter> counts_;
  Counter total_{0};
  Counter sum_{0};  // Nanoseconds.
  Counter min_{UINT64_MAX};
  Counter max_{0};
};

}  // namespace chatgate::bench
