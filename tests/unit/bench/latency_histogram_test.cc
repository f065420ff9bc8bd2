#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include <chatgate/bench/latency_histogram.h>

namespace chatgate::bench {
namespace {

using std::chrono::nanoseconds;

nanoseconds exact_quantile(const std::vector<std::int64_t>& sorted, double share) {
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  return nanoseconds{sorted[std::max<std::size_t>(rank, 1) - 1]};
}

TEST(LatencyHistogramTest, AnEmptyOneIsAllZeros) {
  const LatencyHistogram histogram;
  EXPECT_EQ(histogram.count(), 0U);
  EXPECT_EQ(histogram.min().count(), 0);
  EXPECT_EQ(histogram.max().count(), 0);
  EXPECT_EQ(histogram.mean().count(), 0);
  EXPECT_EQ(histogram.quantile(0.5).count(), 0);
}

TEST(LatencyHistogramTest, QuantilesHaveThreeSignificantDigits) {
  std::mt19937_64 random{1};
  std::lognormal_distribution<double> durations{12, 3};  // From nanoseconds to minutes.
  LatencyHistogram histogram;
  std::vector<std::int64_t> all;
  double sum = 0;
  for (int i = 0; i < 200'000; ++i) {
    const auto duration =
        std::min(static_cast<std::int64_t>(durations(random)), LatencyHistogram::kMax.count());
    histogram.record(nanoseconds{duration});
    all.push_back(duration);
    sum += static_cast<double>(duration);
  }
  std::sort(all.begin(), all.end());
  for (const double share : {0.0, 0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0}) {
    SCOPED_TRACE(share);
    const auto exact = exact_quantile(all, share);
    EXPECT_GE(histogram.quantile(share), exact);
    EXPECT_LE(static_cast<double>(histogram.quantile(share).count()),
              static_cast<double>(exact.count()) * (1 + 1.0 / 1024) + 1);
  }
  EXPECT_EQ(histogram.count(), all.size());
  EXPECT_EQ(histogram.min().count(), all.front());
  EXPECT_EQ(histogram.max().count(), all.back());
  EXPECT_NEAR(static_cast<double>(histogram.mean().count()), sum / 200'000, 1);
}

TEST(LatencyHistogramTest, SmallDurationsAreExact) {
  LatencyHistogram histogram;
  for (int i = 0; i < 2000; ++i) histogram.record(nanoseconds{i});
  EXPECT_EQ(histogram.quantile(0.5).count(), 999);
  EXPECT_EQ(histogram.quantile(0.25).count(), 499);
}

// The boundaries of buckets: each power of two, and its neighbours.
TEST(LatencyHistogramTest, NoDurationIsCountedBelowItself) {
  for (int bit = 0; bit < 42; ++bit) {
    for (const std::int64_t near : {-1, 0, 1}) {
      const nanoseconds duration{std::max<std::int64_t>((std::int64_t{1} << bit) + near, 0)};
      LatencyHistogram histogram;
      histogram.record(duration);
      histogram.record(LatencyHistogram::kMax);
      EXPECT_GE(histogram.quantile(0.5), duration) << bit;
      EXPECT_LE(static_cast<double>(histogram.quantile(0.5).count()),
                static_cast<double>(duration.count()) * (1 + 1.0 / 1024));
    }
  }
}

TEST(LatencyHistogramTest, WhatIsOutOfRangeCountsAtTheEnds) {
  LatencyHistogram histogram;
  histogram.record(nanoseconds{-5});
  histogram.record(std::chrono::hours{10});
  EXPECT_EQ(histogram.count(), 2U);
  EXPECT_EQ(histogram.min().count(), 0);
  EXPECT_EQ(histogram.max(), LatencyHistogram::kMax);
}

TEST(LatencyHistogramTest, AddsUp) {
  LatencyHistogram one;
  one.record(nanoseconds{10}, 3);
  LatencyHistogram other;
  other.record(nanoseconds{1'000});
  one.add(other);
  EXPECT_EQ(one.count(), 4U);
  EXPECT_EQ(one.min().count(), 10);
  EXPECT_EQ(one.max().count(), 1'000);
  EXPECT_EQ(one.mean().count(), (3 * 10 + 1'000) / 4);
  EXPECT_EQ(one.quantile(0.75).count(), 10);
  one.clear();
  EXPECT_EQ(one.count(), 0U);
  EXPECT_EQ(one.quantile(1).count(), 0);
}

}  // namespace
}  // namespace chatgate::bench
