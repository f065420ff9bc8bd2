#pragma once

#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace chatgate::bench {

/// Counts durations in buckets whose width is at most 1/32 of their value, as HdrHistogram does.
///
/// Cost: 16 KiB, no allocation, a few instructions a record.
class LatencyHistogram {
 public:
  void record(std::chrono::nanoseconds duration) {
    ++counts_[index_of(static_cast<std::uint64_t>(duration.count() > 0 ? duration.count() : 0))];
    ++total_;
  }

  /// The smallest duration that `share` (0 to 1) of all records do not exceed, rounded up to the
  /// end of its bucket. 0 without a record.
  std::chrono::nanoseconds quantile(double share) const {
    const auto wanted = static_cast<double>(total_) * share;
    double seen = 0;
    for (std::size_t index = 0; index < counts_.size(); ++index) {
      seen += static_cast<double>(counts_[index]);
      if (total_ > 0 && seen >= wanted) return std::chrono::nanoseconds{end_of(index)};
    }
    return {};
  }

 private:
  static constexpr unsigned kSubBits = 5;  // 2^5 buckets for each power of two.
  static constexpr std::uint64_t kSub = 1U << kSubBits;

  static std::size_t index_of(std::uint64_t value) {
    if (value < kSub) return value;
    const auto shift = static_cast<unsigned>(std::bit_width(value)) - 1 - kSubBits;
    return (shift + 1) * kSub + ((value >> shift) - kSub);
  }

  static std::int64_t end_of(std::size_t index) {
    if (index < kSub) return static_cast<std::int64_t>(index);
    const auto shift = index / kSub - 1;
    return static_cast<std::int64_t>(((index % kSub + kSub + 1) << shift) - 1);
  }

  std::array<std::uint64_t, (64 - kSubBits + 1) * kSub> counts_{};
  std::uint64_t total_ = 0;
};

}  // namespace chatgate::bench
