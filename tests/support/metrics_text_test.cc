#include "chatgate/support/metrics_text.h"

#include <gtest/gtest.h>

namespace chatgate::support {
namespace {

constexpr const char* kBody =
    "# HELP chatgate_connections_open Now.\n"
    "# TYPE chatgate_connections_open gauge\n"
    "chatgate_connections_open{listener=\"public\"} 2\n"
    "chatgate_connections_open{listener=\"local\"} 1\n"
    "chatgate_connections_accepted_total{listener=\"public\"} 7\n"
    "chatgate_connections_rejected_total{listener=\"public\",reason=\"limit_global\"} 1\n"
    "chatgate_connections_closed_total{listener=\"public\",reason=\"quit\"} 3\n"
    "process_cpu_seconds_total 1.5e-3";

TEST(MetricTest, FindsASeriesByNameAndLabels) {
  EXPECT_EQ(metric(kBody, "chatgate_connections_open{listener=\"local\"}"), 1);
  EXPECT_EQ(metric(kBody, "process_cpu_seconds_total"), 1.5e-3);
  EXPECT_EQ(metric(kBody, "chatgate_connections_open"), std::nullopt);
}

TEST(MetricTest, SumsOverAllLabels) {
  EXPECT_EQ(metric_sum(kBody, "chatgate_connections_open"), 3);
  EXPECT_EQ(metric_sum(kBody, "chatgate_connections"), 0);
}

TEST(MetricTest, AccountsForEveryConnection) {
  EXPECT_TRUE(is_accounted(kBody));
  EXPECT_FALSE(is_accounted("chatgate_connections_accepted_total 1\n"));
}

}  // namespace
}  // namespace chatgate::support
