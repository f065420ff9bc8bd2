#include <string>

#include <gtest/gtest.h>

#include <chatgate/session/session_metrics.h>
#include <chatgate/support/metrics_text.h>
#include <chatgate/telemetry/metric_writer.h>

namespace chatgate::session {
namespace {

using support::metric;
using support::metric_sum;

constexpr std::size_t kWorkers = 3;

constexpr std::size_t index(EndReason reason) { return static_cast<std::size_t>(reason); }

class SessionMetricsTest : public ::testing::Test {
 protected:
  std::string scrape() const {
    telemetry::MetricWriter writer;
    metrics_.write_metrics(writer);
    return writer.serialize();
  }

  SessionMetrics metrics_{kWorkers};
};

TEST_F(SessionMetricsTest, AreNoneWithoutAListener) { EXPECT_EQ(scrape(), ""); }

TEST_F(SessionMetricsTest, AddUpWhatTheWorkersCounted) {
  auto& counters = metrics_.listener("public");
  for (std::size_t i = 0; i < kWorkers; ++i) {
    auto& mine = counters.of_worker(i);
    mine.messages.add(i + 1);
    mine.replies.add(10 * (i + 1));
    mine.received_bytes.add(100 * (i + 1));
    mine.sent_bytes.add(1000 * (i + 1));
  }
  counters.accepted.add(7);
  const auto text = scrape();
  EXPECT_EQ(metric(text, R"(chatgate_messages_received_total{listener="public"})"), 6);
  EXPECT_EQ(metric(text, R"(chatgate_replies_sent_total{listener="public"})"), 60);
  EXPECT_EQ(metric(text, R"(chatgate_received_bytes_total{listener="public"})"), 600);
  EXPECT_EQ(metric(text, R"(chatgate_sent_bytes_total{listener="public"})"), 6000);
  EXPECT_EQ(metric(text, R"(chatgate_connections_accepted_total{listener="public"})"), 7);
}

TEST_F(SessionMetricsTest, HaveASeriesAtZeroForEveryEndReason) {
  metrics_.listener("public");
  const auto text = scrape();
  for (const auto reason : all_end_reasons()) {
    const std::string family = is_refusal(reason) ? "chatgate_connections_rejected_total"
                                                  : "chatgate_connections_closed_total";
    const auto series =
        family + R"({listener="public",reason=")" + std::string{token(reason)} + "\"}";
    EXPECT_EQ(metric(text, series), 0) << series;
  }
}

TEST_F(SessionMetricsTest, CountRefusalsAndEndsApart) {
  auto& counters = metrics_.listener("public");
  counters.accepted.add(6);
  counters.rejected[index(EndReason::LimitGlobal)].add(1);
  counters.of_worker(0).closed[index(EndReason::Quit)].add(2);
  counters.of_worker(2).closed[index(EndReason::Quit)].add(3);
  const auto text = scrape();
  EXPECT_EQ(metric_sum(text, "chatgate_connections_rejected_total"), 1);
  EXPECT_EQ(metric_sum(text, "chatgate_connections_closed_total"), 5);
  EXPECT_EQ(
      metric(text,
             R"(chatgate_connections_rejected_total{listener="public",reason="limit_global"})"),
      1);
  EXPECT_EQ(metric(text, R"(chatgate_connections_closed_total{listener="public",reason="quit"})"),
            5);
  EXPECT_EQ(counters.rejected_total(), 1U);
  EXPECT_EQ(counters.closed_total(), 5U);
}

TEST_F(SessionMetricsTest, AddUpTheDistributionsOfTheWorkersInSeconds) {
  auto& counters = metrics_.listener("public");
  counters.of_worker(0).duration.observe(50'000'000);       // 50 ms
  counters.of_worker(1).duration.observe(2'000'000'000);    // 2 s
  counters.of_worker(2).reply_delay.observe(1'000'000, 4);  // 4 times 1 ms
  const auto text = scrape();
  EXPECT_EQ(metric(text, R"(chatgate_connection_duration_seconds_count{listener="public"})"), 2);
  EXPECT_NEAR(
      metric(text, R"(chatgate_connection_duration_seconds_sum{listener="public"})").value(), 2.05,
      1e-9);
  EXPECT_EQ(
      metric(text, R"(chatgate_connection_duration_seconds_bucket{listener="public",le="0.1"})"),
      1);
  EXPECT_EQ(metric(text, R"(chatgate_reply_delay_seconds_count{listener="public"})"), 4);
}

TEST_F(SessionMetricsTest, KeepListenersApart) {
  metrics_.listener("public").of_worker(0).messages.add(1);
  metrics_.listener("local").of_worker(0).messages.add(2);
  const auto text = scrape();
  EXPECT_EQ(metric(text, R"(chatgate_messages_received_total{listener="public"})"), 1);
  EXPECT_EQ(metric(text, R"(chatgate_messages_received_total{listener="local"})"), 2);
}

TEST_F(SessionMetricsTest, GoOnCountingForAListenerThatComesBack) {
  auto& before = metrics_.listener("public");
  before.accepted.add(1);
  auto& after = metrics_.listener("public");
  EXPECT_EQ(&after, &before);
  EXPECT_EQ(after.accepted.value(), 1U);
}

TEST_F(SessionMetricsTest, HaveTotalsOverAllListeners) {
  auto& one = metrics_.listener("public");
  auto& two = metrics_.listener("local");
  one.accepted.add(5);
  two.accepted.add(6);
  one.rejected[index(EndReason::DenyCidr)].add(1);
  two.rejected[index(EndReason::LimitListener)].add(2);
  one.of_worker(0).closed[index(EndReason::ClientEof)].add(3);
  two.of_worker(1).closed[index(EndReason::Drain)].add(4);
  const auto totals = metrics_.totals();
  EXPECT_EQ(totals.accepted, 11U);
  EXPECT_EQ(totals.rejected, 3U);
  EXPECT_EQ(totals.closed, 7U);
}

TEST(SessionCountersTest, ShareNoCacheLineWithThoseOfAnotherWorker) {
  EXPECT_EQ(alignof(SessionCounters) % 64, 0U);
  ListenerCounters counters{"public", kWorkers};
  for (const auto& worker : counters.workers) {
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(worker.get()) % 64, 0U);
  }
}

}  // namespace
}  // namespace chatgate::session
