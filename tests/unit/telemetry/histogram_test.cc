#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chatgate/telemetry/histogram.h>

namespace chatgate::telemetry {
namespace {

using ::testing::ElementsAre;

constexpr HistogramBounds<3> kBounds{10, 100, 1000};

TEST(HistogramTest, CountsAValueInTheFirstBucketThatReachesIt) {
  Histogram histogram{kBounds};
  for (const std::uint64_t value : {0U, 10U, 11U, 100U, 1000U, 1001U, 9999U})
    histogram.observe(value);

  HistogramCounts counts;
  histogram.add_to(counts);
  EXPECT_THAT(counts.bounds, ElementsAre(10, 100, 1000));
  EXPECT_THAT(counts.buckets, ElementsAre(2, 2, 1, 2));
  EXPECT_EQ(counts.sum, 0U + 10 + 11 + 100 + 1000 + 1001 + 9999);
}

// For each number of bounds the search takes other steps.
template <std::size_t N>
void expect_the_bucket_of_every_value() {
  HistogramBounds<N> bounds;
  for (std::size_t i = 0; i < N; ++i) bounds[i] = 2 * i;
  for (std::size_t value = 0; value <= 2 * N; ++value) {
    Histogram histogram{bounds};
    histogram.observe(value);
    HistogramCounts counts;
    histogram.add_to(counts);
    EXPECT_EQ(counts.buckets[(value + 1) / 2], 1U) << value << " in " << N << " bounds";
  }
}

TEST(HistogramTest, FindsTheBucketAmongAnyNumberOfBounds) {
  expect_the_bucket_of_every_value<1>();
  expect_the_bucket_of_every_value<2>();
  expect_the_bucket_of_every_value<5>();
  expect_the_bucket_of_every_value<16>();
  expect_the_bucket_of_every_value<17>();
}

TEST(HistogramTest, CountsOneValueManyTimes) {
  Histogram histogram{kBounds};
  histogram.observe(50, 64);

  HistogramCounts counts;
  histogram.add_to(counts);
  EXPECT_THAT(counts.buckets, ElementsAre(0, 64, 0, 0));
  EXPECT_EQ(counts.sum, 50U * 64);
}

TEST(HistogramTest, FoldsThoseOfSeveralThreadsIntoOne) {
  Histogram one{kBounds};
  Histogram two{kBounds};
  std::thread first{[&] { one.observe(1, 3); }};
  std::thread second{[&] { two.observe(5000, 2); }};
  first.join();
  second.join();

  HistogramCounts counts;
  one.add_to(counts);
  two.add_to(counts);
  EXPECT_THAT(counts.buckets, ElementsAre(3, 0, 0, 2));
  EXPECT_EQ(counts.sum, 10'003U);
}

TEST(HistogramTest, MayBeFoldedWhileItIsObserved) {
  constexpr std::uint64_t kObservations = 100'000;
  Histogram histogram{kBounds};
  std::thread writer{[&] {
    for (std::uint64_t i = 0; i < kObservations; ++i) histogram.observe(1);
  }};
  HistogramCounts counts;
  do {
    counts = {};
    histogram.add_to(counts);
  } while (counts.buckets[0] < kObservations);
  writer.join();
  EXPECT_THAT(counts.buckets, ElementsAre(kObservations, 0, 0, 0));
}

TEST(HistogramDeathTest, RefusesToFoldOtherBounds) {
  static constexpr HistogramBounds<3> kOther{1, 2, 3};
  HistogramCounts counts;
  Histogram<3>{kBounds}.add_to(counts);
  EXPECT_DEATH((Histogram<3>{kOther}.add_to(counts)), "assertion failed");
}

}  // namespace
}  // namespace chatgate::telemetry
