// What a log does when its output does not do what outputs should.

#include "test_outputs.h"

#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chatgate/telemetry/log.h>

namespace chatgate::telemetry {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

constexpr int kPipeBytes = 4096;
constexpr std::uint64_t kQueueLines = 8192;
// What the log's thread may hold besides: a batch of lines of the shortest kind.
constexpr std::uint64_t kBatchLines = 16 * 1024 / sizeof("T info event=tick i=0");

TEST(LogOutputTest, MakesNobodyWaitForAReaderThatHasStopped) {
  constexpr std::uint64_t kLines = 10'000;
  const Pipe pipe{kPipeBytes};
  const StandardErrorTo redirected{pipe.write_end()};
  auto log = std::make_unique<Log>();
  const auto write_all = [&] {
    for (std::uint64_t i = 0; i < kLines; ++i) log->info("tick", {{"i", i}});
  };
  std::thread other{write_all};
  write_all();
  other.join();

  const auto counts = log->counts();
  EXPECT_GE(counts.overrun + counts.written, 2 * kLines - kQueueLines - kBatchLines - 1);
  EXPECT_LE(counts.written, kPipeBytes / sizeof("T info event=tick i=0"));
  const auto before = std::chrono::steady_clock::now();
  log.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - before, 10s);
}

TEST(LogOutputTest, WritesLinesTogetherThatComeTogether) {
  constexpr int kLines = 50;
  const Pipe pipe{16 * kPipeBytes};
  ASSERT_EQ(::fcntl(pipe.write_end(), F_SETFL, O_DIRECT), 0);  // Each write is a packet: pipe(7).
  const StandardErrorTo redirected{pipe.write_end()};
  Log log;
  log.info("first");
  EXPECT_TRUE(eventually([&] { return log.counts().written == 1; }));
  for (int i = 0; i < kLines; ++i) log.info("tick", {{"i", i}});
  EXPECT_TRUE(eventually([&] { return log.counts().written == 1 + kLines; }));
  EXPECT_THAT(pipe.take_packet(), HasSubstr("event=first\n"));
  std::string text;
  int packets = 0;
  for (; !text.ends_with(fmt::format(" i={}\n", kLines - 1)); ++packets) {
    const auto packet = pipe.take_packet();
    ASSERT_FALSE(packet.empty());
    text += packet;
  }
  EXPECT_LT(packets, kLines / 5);
}

TEST(LogOutputTest, GoesOnWithTheNewestLinesWhenTheReaderDoes) {
  const Pipe pipe{16 * kPipeBytes};
  const StandardErrorTo redirected{pipe.write_end()};
  Log log;
  for (std::uint64_t i = 0; i < 2 * kQueueLines; ++i) log.info("tick", {{"i", i}});
  std::string text;
  EXPECT_TRUE(eventually([&] {
    text += pipe.take();
    return text.ends_with(fmt::format(" i={}\n", 2 * kQueueLines - 1));
  }));
  EXPECT_GT(log.counts().overrun, 0U);
}

TEST(LogOutputTest, LeavesAStoppedReaderForAnotherOutput) {
  const TemporaryFolder folder;
  const Pipe pipe{kPipeBytes};
  const StandardErrorTo redirected{pipe.write_end()};
  auto log = std::make_unique<Log>();
  for (int i = 0; i < 1000; ++i) log->info("tick", {{"i", i}});
  ASSERT_EQ(log->apply({.output = "file:" + folder.path("log")}), std::nullopt);
  log->info("moved");
  // A line is counted after it has been written.
  EXPECT_TRUE(eventually([&] {
    const auto counts = log->counts();
    return counts.failed + counts.written == 1001;
  }));
  EXPECT_GT(log->counts().failed, 0U);
  log.reset();
  EXPECT_THAT(read_file(folder.path("log")), MatchesRegex("[^\n]* event=moved\n"));
}

TEST(LogOutputTest, SurvivesAReaderThatHasGone) {
  Pipe pipe{kPipeBytes};
  pipe.close_read_end();
  const StandardErrorTo redirected{pipe.write_end()};
  Log log;
  log.info("unheard");
  EXPECT_TRUE(eventually([&] { return log.counts().failed == 1; }));
  EXPECT_EQ(log.counts().written, 0U);
}

TEST(LogOutputTest, SurvivesAFullDisk) {
  Log log;
  ASSERT_EQ(log.apply({.output = "file:/dev/full"}), std::nullopt);
  log.info("lost", {{"n", 1}});
  log.info("lost", {{"n", 2}});
  EXPECT_TRUE(eventually([&] { return log.counts().failed == 2; }));
}

TEST(LogOutputTest, BeginsANewLineAfterOneThatWasCutShort) {
  const TemporaryFolder folder;
  auto log = std::make_unique<Log>();
  ASSERT_EQ(log->apply({.output = "file:" + folder.path("log")}), std::nullopt);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit tight = before;
  tight.rlim_cur = 20;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &tight), 0);
  log->info("cut");
  const bool failed = eventually([&] { return log->counts().failed == 1; });
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ASSERT_TRUE(failed);
  log->info("whole");
  log.reset();
  EXPECT_THAT(read_file(folder.path("log")), MatchesRegex("[-0-9T:.]{20}\n[^\n]* event=whole\n"));
}

TEST(LogOutputTest, WritesALineThatIsLongerThanThePipe) {
  const Pipe pipe{kPipeBytes};
  const StandardErrorTo redirected{pipe.write_end()};
  const std::string value(100'000, 'x');
  Log log;
  log.info("long", {{"value", value}});
  std::string text;
  EXPECT_TRUE(eventually([&] {
    text += pipe.take();
    return text.ends_with("\n");
  }));
  EXPECT_THAT(text, HasSubstr("event=long value=" + value + "\n"));
}

TEST(LogOutputTest, RefusesAFifoThatNobodyReads) {
  const TemporaryFolder folder;
  ASSERT_EQ(::mkfifo(folder.path("fifo").c_str(), 0600), 0);
  Log log;
  const auto error = log.apply({.output = "file:" + folder.path("fifo")});
  ASSERT_TRUE(error.has_value());
  EXPECT_THAT(*error, HasSubstr("No such device or address"));
}

// What one line looks like when JOURNAL_STREAM is `stream`.
std::string line_with_journal_stream(const Pipe& pipe, const std::string& stream) {
  ::setenv("JOURNAL_STREAM", stream.c_str(), 1);
  {
    Log log;
    log.warn("seen");
  }
  ::unsetenv("JOURNAL_STREAM");
  return pipe.take();
}

TEST(LogOutputTest, TellsThePriorityOnlyWhenStandardErrorIsTheJournalsStream) {
  const Pipe pipe{kPipeBytes};
  const StandardErrorTo redirected{pipe.write_end()};
  struct stat status {};
  ASSERT_EQ(::fstat(STDERR_FILENO, &status), 0);
  const auto ours = fmt::format("{}:{}", status.st_dev, status.st_ino);
  EXPECT_EQ(line_with_journal_stream(pipe, ours), "<4>warn event=seen\n");
  EXPECT_THAT(line_with_journal_stream(pipe, "1:1"), MatchesRegex("20[^ ]*Z warn event=seen\n"));
}

}  // namespace
}  // namespace chatgate::telemetry
