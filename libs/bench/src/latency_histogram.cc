#include <algorithm>
#include <bit>
#include <cmath>

#include <chatgate/bench/latency_histogram.h>

namespace chatgate::bench {
namespace {

// Values below 2^(kSubBits + 1) have a bucket each; above, each power of two has 2^kSubBits
// buckets, whose width is hence at most 1/1024 of their values: three significant digits.
constexpr unsigned kSubBits = 10;
constexpr std::uint64_t kSub = 1U << kSubBits;
constexpr unsigned kValueBits = 42;
constexpr std::size_t kBuckets = (kValueBits - kSubBits + 1) * kSub;

std::size_t index_of(std::uint64_t value) noexcept {
  if (value < kSub) return value;
  const auto shift = static_cast<unsigned>(std::bit_width(value)) - 1 - kSubBits;
  return (shift + 1) * kSub + ((value >> shift) - kSub);
}

std::uint64_t end_of(std::size_t index) noexcept {
  if (index < kSub) return index;
  const auto shift = index / kSub - 1;
  return ((index % kSub + kSub + 1) << shift) - 1;
}

}  // namespace

LatencyHistogram::LatencyHistogram() : counts_(kBuckets) {}

void LatencyHistogram::record(std::chrono::nanoseconds duration, std::uint64_t times) noexcept {
  const auto value =
      static_cast<std::uint64_t>(std::clamp(duration, std::chrono::nanoseconds{0}, kMax).count());
  auto& bucket = counts_[index_of(value)];
  store(bucket, load(bucket) + times);
  store(sum_, load(sum_) + value * times);
  if (value < load(min_)) store(min_, value);
  if (value > load(max_)) store(max_, value);
  store(total_, load(total_) + times);
}

void LatencyHistogram::add(const LatencyHistogram& other) noexcept {
  for (std::size_t i = 0; i < kBuckets; ++i) {
    store(counts_[i], load(counts_[i]) + load(other.counts_[i]));
  }
  store(sum_, load(sum_) + load(other.sum_));
  store(min_, std::min(load(min_), load(other.min_)));
  store(max_, std::max(load(max_), load(other.max_)));
  store(total_, load(total_) + load(other.total_));
}

void LatencyHistogram::clear() noexcept {
  for (auto& bucket : counts_) store(bucket, 0);
  store(sum_, 0);
  store(min_, UINT64_MAX);
  store(max_, 0);
  store(total_, 0);
}

std::chrono::nanoseconds LatencyHistogram::min() const noexcept {
  return std::chrono::nanoseconds{count() == 0 ? 0 : load(min_)};
}

std::chrono::nanoseconds LatencyHistogram::max() const noexcept {
  return std::chrono::nanoseconds{load(max_)};
}

std::chrono::nanoseconds LatencyHistogram::mean() const noexcept {
  return std::chrono::nanoseconds{count() == 0 ? 0 : load(sum_) / count()};
}

std::chrono::nanoseconds LatencyHistogram::quantile(double share) const noexcept {
  const auto total = count();
  if (total == 0) return {};
  const auto wanted = std::max<std::uint64_t>(
      1, static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(total))));
  std::uint64_t seen = 0;
  for (std::size_t index = 0; index < kBuckets; ++index) {
    seen += load(counts_[index]);
    if (seen >= wanted) return std::min(std::chrono::nanoseconds{end_of(index)}, max());
  }
  return max();
}

}  // namespace chatgate::bench
