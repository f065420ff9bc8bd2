#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chatgate/telemetry/log.h>
#include <chatgate/telemetry/metric_writer.h>
#include <chatgate/telemetry/process_metrics.h>

namespace chatgate::telemetry {
namespace {

using ::testing::HasSubstr;

TEST(MetricWriterTest, GroupsTheSamplesOfAFamilyWhateverTheirOrder) {
  MetricWriter writer;
  writer.counter("chatgate_b_total", "Bees.", {{"listener", "public"}}, 1);
  writer.gauge("chatgate_a", "Ays.", {}, 2.5);
  writer.counter("chatgate_b_total", "Bees.", {{"listener", "local"}}, 1'234'567'890'123);
  EXPECT_EQ(writer.serialize(),
            "# HELP chatgate_a Ays.\n"
            "# TYPE chatgate_a gauge\n"
            "chatgate_a 2.5\n"
            "# HELP chatgate_b_total Bees.\n"
            "# TYPE chatgate_b_total counter\n"
            "chatgate_b_total{listener=\"public\"} 1\n"
            "chatgate_b_total{listener=\"local\"} 1234567890123\n");
}

TEST(MetricWriterTest, WritesNanosecondsAsSecondsWithTheBoundsThatPeopleWrite) {
  static constexpr HistogramBounds<4> kBounds{100'000, 250'000, 300'000'000, 2'500'000'000};
  Histogram histogram{kBounds};
  histogram.observe(200'000, 2);
  histogram.observe(3'000'000'000);
  HistogramCounts counts;
  histogram.add_to(counts);

  MetricWriter writer;
  writer.histogram("chatgate_delay_seconds", "Delay.", {}, counts, 1e-9);
  EXPECT_EQ(writer.serialize(),
            "# HELP chatgate_delay_seconds Delay.\n"
            "# TYPE chatgate_delay_seconds histogram\n"
            "chatgate_delay_seconds_count 3\n"
            "chatgate_delay_seconds_sum 3.0004\n"
            "chatgate_delay_seconds_bucket{le=\"0.0001\"} 0\n"
            "chatgate_delay_seconds_bucket{le=\"0.00025\"} 2\n"
            "chatgate_delay_seconds_bucket{le=\"0.3\"} 2\n"
            "chatgate_delay_seconds_bucket{le=\"2.5\"} 2\n"
            "chatgate_delay_seconds_bucket{le=\"+Inf\"} 3\n");
}

TEST(MetricWriterTest, WritesNoSampleForCountsThatNobodyAddedTo) {
  MetricWriter writer;
  writer.histogram("chatgate_delay_seconds", "Delay.", {}, HistogramCounts{});
  EXPECT_EQ(writer.serialize(), "");
}

TEST(MetricWriterTest, LeavesOutALabelWithoutAValueAndEscapesTheOthers) {
  MetricWriter writer;
  writer.gauge("chatgate_a", "Ays.", {{"empty", ""}, {"name", "a\"b\\c\nd"}}, 1);
  EXPECT_THAT(writer.serialize(), HasSubstr("chatgate_a{name=\"a\\\"b\\\\c\\nd\"} 1\n"));
}

TEST(MetricWriterDeathTest, RefusesAFamilyOfTwoTypes) {
  MetricWriter writer;
  writer.gauge("chatgate_a", "Ays.", {}, 1);
  EXPECT_DEATH(writer.counter("chatgate_a", "Ays.", {}, 1), "assertion failed");
}

// What promtool says about the text, or nullopt without a promtool to ask.
std::optional<std::string> promtool_verdict(const std::string& text) {
  if (std::system("command -v promtool >/dev/null") != 0) return std::nullopt;
  const auto path = ::testing::TempDir() + "metric_writer_test.prom";
  std::FILE* file = std::fopen(path.c_str(), "w");
  std::fwrite(text.data(), 1, text.size(), file);
  std::fclose(file);
  std::FILE* pipe = ::popen(("promtool check metrics <" + path + " 2>&1").c_str(), "r");
  std::string verdict(4096, '\0');
  verdict.resize(std::fread(verdict.data(), 1, verdict.size(), pipe));
  const int status = ::pclose(pipe);
  std::remove(path.c_str());
  return status == 0 ? verdict : verdict + "(promtool failed)";
}

TEST(MetricWriterTest, ContentsPromtoolWithAllThatThisLibraryWrites) {
  static constexpr HistogramBounds<2> kBounds{10, 100};
  Histogram histogram{kBounds};
  histogram.observe(7);
  HistogramCounts counts;
  histogram.add_to(counts);
  const Log log;

  MetricWriter writer;
  writer.histogram("chatgate_connection_messages", "Messages.", {{"listener", "public"}}, counts);
  log.write_metrics(writer);
  ProcessMetrics{{.version = "1.2.3", .revision = "abc"}}.write_metrics(writer);
  const auto verdict = promtool_verdict(writer.serialize());
  if (!verdict) GTEST_SKIP() << "no promtool here";
  EXPECT_EQ(*verdict, "");
  EXPECT_NE(promtool_verdict("chatgate_a{ 1\n"), "");
}

}  // namespace
}  // namespace chatgate::telemetry
