#include "test_outputs.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include <chatgate/telemetry/log.h>

namespace chatgate::telemetry {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

class LogTest : public ::testing::Test {
 protected:
  LogOptions to_file(const std::string& name) const {
    return {.output = "file:" + folder_.path(name)};
  }

  // Ends the log, and so writes what it has queued.
  std::string finished(const std::string& name) {
    log_.reset();
    return read_file(folder_.path(name));
  }

  bool eventually_written(std::uint64_t lines) const {
    return eventually([&] { return log_->counts().written >= lines; });
  }

  TemporaryFolder folder_;
  std::unique_ptr<Log> log_ = std::make_unique<Log>();
};

TEST_F(LogTest, WritesAnEventAsALine) {
  ASSERT_EQ(log_->apply(to_file("log")), std::nullopt);
  log_->info("gateway_started", {{"workers", 2}});
  log_->error("config_refused");
  EXPECT_THAT(finished("log"),
              MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6}Z "
                           "info event=gateway_started workers=2\n"
                           "[^ ]+ error event=config_refused\n"));
}

TEST_F(LogTest, WritesOnlyTheEventsOfItsLevel) {
  auto options = to_file("log");
  options.level = LogLevel::Warn;
  ASSERT_EQ(log_->apply(options), std::nullopt);
  EXPECT_FALSE(log_->enabled(LogLevel::Info));
  EXPECT_TRUE(log_->enabled(LogLevel::Warn));
  log_->info("quiet");
  log_->write_limited(LogLevel::Info, "quiet", {});
  log_->warn("loud");
  options.level = LogLevel::Debug;
  ASSERT_EQ(log_->apply(options), std::nullopt);
  log_->debug("detailed");
  const auto text = finished("log");
  EXPECT_THAT(text, Not(HasSubstr("quiet")));
  EXPECT_THAT(text, HasSubstr("event=loud\n"));
  EXPECT_THAT(text, HasSubstr("event=detailed\n"));
}

TEST_F(LogTest, ChangesItsFormatForTheNextLine) {
  auto options = to_file("log");
  ASSERT_EQ(log_->apply(options), std::nullopt);
  log_->info("first");
  options.format = LogFormat::Json;
  ASSERT_EQ(log_->apply(options), std::nullopt);
  log_->info("second", {{"n", 1}});
  const auto text = finished("log");
  const auto second = text.substr(text.find('\n') + 1);
  EXPECT_THAT(text, HasSubstr("info event=first\n"));
  EXPECT_EQ(nlohmann::json::parse(second)["event"], "second");
}

TEST_F(LogTest, SendsQueuedLinesWhereTheyWereMeantToGo) {
  ASSERT_EQ(log_->apply(to_file("old")), std::nullopt);
  for (int i = 0; i < 1000; ++i) log_->info("before", {{"i", i}});
  ASSERT_EQ(log_->apply(to_file("new")), std::nullopt);
  log_->info("after");
  EXPECT_THAT(finished("new"), MatchesRegex("[^\n]* event=after\n"));
  const auto old = read_file(folder_.path("old"));
  EXPECT_EQ(std::count(old.begin(), old.end(), '\n'), 1000);
}

TEST_F(LogTest, KeepsAllAsItWasWhenAnOutputCannotBeOpened) {
  ASSERT_EQ(log_->apply(to_file("log")), std::nullopt);
  const LogOptions impossible{.level = LogLevel::Error, .output = "file:/nowhere/at/all"};
  EXPECT_EQ(log_->apply(impossible), "cannot open /nowhere/at/all: No such file or directory");
  EXPECT_EQ(log_->apply({.output = "file:here"}), "file:here is not an absolute path");
  EXPECT_EQ(log_->apply({.output = "syslog"}),
            "syslog is none of stderr, stdout, journald, file:/path");
  log_->info("still_here");
  EXPECT_THAT(finished("log"), HasSubstr("event=still_here\n"));
}

TEST_F(LogTest, ReopensAFileThatWasRenamed) {
  ASSERT_EQ(log_->apply(to_file("log")), std::nullopt);
  log_->info("before");
  ASSERT_EQ(std::rename(folder_.path("log").c_str(), folder_.path("log.1").c_str()), 0);
  ASSERT_EQ(log_->reopen(), std::nullopt);
  log_->info("after");
  EXPECT_THAT(finished("log"), MatchesRegex("[^\n]* event=after\n"));
  EXPECT_THAT(read_file(folder_.path("log.1")), MatchesRegex("[^\n]* event=before\n"));
}

TEST_F(LogTest, KeepsTheFileItHasWhenItCannotReopen) {
  ASSERT_EQ(log_->apply(to_file("log")), std::nullopt);
  ASSERT_EQ(std::rename(folder_.path("log").c_str(), folder_.path("log.1").c_str()), 0);
  ASSERT_EQ(::mkdir(folder_.path("log").c_str(), 0700), 0);
  const auto error = log_->reopen();
  ASSERT_TRUE(error.has_value());
  EXPECT_THAT(*error, HasSubstr("Is a directory"));
  log_->info("after");
  EXPECT_THAT(finished("log.1"), HasSubstr("event=after\n"));
}

TEST_F(LogTest, AppendsToAFileThatOthersMayNotRead) {
  for (const auto* event : {"first", "second"}) {
    Log log;
    ASSERT_EQ(log.apply(to_file("log")), std::nullopt);
    log.info(event);
  }
  EXPECT_THAT(read_file(folder_.path("log")), MatchesRegex("[^\n]*first\n[^\n]*second\n"));
  struct stat status {};
  ASSERT_EQ(::stat(folder_.path("log").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0007U, 0U);
}

TEST_F(LogTest, HoldsRepeatedEventsBackAndTellsTheirNumber) {
  ASSERT_EQ(log_->apply(to_file("log")), std::nullopt);
  for (int i = 0; i < 100; ++i) {
    log_->write_limited(LogLevel::Warn, "connection_refused", {{"id", i}}, "public");
  }
  log_->flush_suppressed();
  EXPECT_EQ(log_->counts().suppressed, 92U);
  const auto text = finished("log");
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 9);
  EXPECT_THAT(text, HasSubstr("event=connection_refused id=7\n"));
  EXPECT_TRUE(text.ends_with(" warn event=connection_refused suppressed=92 key=public\n")) << text;
}

TEST_F(LogTest, KeepsTheLinesOfSeveralThreadsWhole) {
  ASSERT_EQ(log_->apply(to_file("log")), std::nullopt);
  const auto write_all = [&](int thread) {
    for (int i = 0; i < 1000; ++i) {
      log_->info("tick", {{"thread", thread}, {"i", i}});
      log_->write_limited(LogLevel::Debug, "never", {});
    }
  };
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 3; ++thread) threads.emplace_back(write_all, thread);
  auto options = to_file("log");
  for (int i = 0; i < 50; ++i) {
    options.format = i % 2 == 0 ? LogFormat::Json : LogFormat::Text;
    EXPECT_EQ(log_->apply(options), std::nullopt);
    EXPECT_EQ(log_->reopen(), std::nullopt);
  }
  for (auto& thread : threads) thread.join();
  const auto text = finished("log");
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3000);
}

TEST_F(LogTest, CountsItsLinesForTheMetrics) {
  ASSERT_EQ(log_->apply(to_file("log")), std::nullopt);
  log_->info("first");
  ASSERT_TRUE(eventually_written(1));
  MetricWriter writer;
  log_->write_metrics(writer);
  const auto text = writer.serialize();
  EXPECT_THAT(text, HasSubstr("chatgate_log_lines_total 1\n"));
  EXPECT_THAT(text, HasSubstr("chatgate_log_lines_lost_total{cause=\"overrun\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("chatgate_log_lines_lost_total{cause=\"write_failed\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("chatgate_log_events_suppressed_total 0\n"));
}

}  // namespace
}  // namespace chatgate::telemetry
