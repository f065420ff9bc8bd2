#include <gtest/gtest.h>

#include <chatgate/ctl/scrape.h>

namespace chatgate::ctl {
namespace {

constexpr const char* kText = R"(# HELP a_total What.
# TYPE a_total counter
a_total{listener="x"} 3
a_total{listener="y",reason="le=\"5\""} 4.5
b 1e3
d_bucket{listener="x",le="0.001"} 2
d_bucket{listener="x",le="0.01"} 8
d_bucket{listener="x",le="+Inf"} 10
d_bucket{listener="y",le="0.001"} 0
d_bucket{listener="y",le="0.01"} 0
d_bucket{listener="y",le="+Inf"} 10
nonsense
)";

TEST(ScrapeTest, SumsAMetricOverItsLabels) {
  const Scrape scrape{kText};
  EXPECT_EQ(scrape.sum("a_total"), 7.5);
  EXPECT_EQ(scrape.sum("b"), 1000);
  EXPECT_EQ(scrape.sum("none"), 0);
}

TEST(ScrapeTest, SumsBucketsByTheirBound) {
  const auto buckets = Scrape{kText}.buckets("d");
  ASSERT_EQ(buckets.size(), 3U);
  EXPECT_EQ(buckets.begin()->first, 0.001);
  EXPECT_EQ(buckets.rbegin()->second, 20);
}

TEST(QuantileTest, CountsWhatCameBetweenTwoScrapes) {
  const auto now = Scrape{kText}.buckets("d");
  EXPECT_EQ(quantile({}, now, 0.1), 0.001);
  EXPECT_EQ(quantile({}, now, 0.4), 0.01);
  EXPECT_EQ(quantile({}, now, 0.99), 0.01);  // Beyond the last bound nobody knows more.
  EXPECT_LT(quantile(now, now, 0.5), 0);
  EXPECT_LT(quantile({}, {}, 0.5), 0);
}

}  // namespace
}  // namespace chatgate::ctl
