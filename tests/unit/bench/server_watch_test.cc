#include <chrono>
#include <cstring>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <chatgate/bench/server_watch.h>

namespace chatgate::bench {
namespace {

using namespace std::chrono_literals;

void burn(std::chrono::milliseconds cpu) {
  ::timespec start{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
  for (::timespec now = start;;) {
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    const auto used = std::chrono::seconds{now.tv_sec - start.tv_sec} +
                      std::chrono::nanoseconds{now.tv_nsec} -
                      std::chrono::nanoseconds{start.tv_nsec};
    if (used >= cpu) return;
  }
}

TEST(ParseStatTest, ReadsTheTicksBehindAnyName) {
  const auto ticks = parse_stat(
      "42 (a) b (c) S 1 42 42 0 -1 4194560 100 200 0 0 11 22 33 44 20 0 5 0 12345 1000 50");
  ASSERT_TRUE(ticks);
  EXPECT_EQ(ticks->user, 11U);
  EXPECT_EQ(ticks->system, 22U);
  EXPECT_EQ(ticks->children_user, 33U);
  EXPECT_EQ(ticks->children_system, 44U);
}

TEST(ParseStatTest, RefusesWhatIsCutOff) {
  EXPECT_FALSE(parse_stat(""));
  EXPECT_FALSE(parse_stat("42 (name"));
  EXPECT_FALSE(parse_stat("42 (name) S 1 42 42 0 -1 4194560 100 200 0 0 11 22 33"));
}

TEST(ParseKibFieldTest, FindsTheFieldOfThatNameAlone) {
  const char* const text = "Pss:  7 kB\nPss_Anon:      123 kB\nRssAnon:\t 5 kB\nThreads:\t3\n";
  EXPECT_EQ(parse_kib_field(text, "Pss_Anon"), 123U * 1024);
  EXPECT_EQ(parse_kib_field(text, "Pss"), 7U * 1024);
  EXPECT_EQ(parse_kib_field(text, "Anon"), std::nullopt);
  EXPECT_EQ(parse_kib_field(text, "Threads"), std::nullopt);
  EXPECT_EQ(parse_kib_field("", "Pss"), std::nullopt);
}

TEST(ParseMetricTest, FindsTheMetricWithoutLabels) {
  const char* const text =
      "# HELP cpu_seconds_total Time.\n# TYPE cpu_seconds_total counter\n"
      "cpu_seconds_total{mode=\"user\"} 9\ncpu_seconds_total 1.25\nbytes 4.5e+06\n";
  EXPECT_EQ(parse_metric(text, "cpu_seconds_total"), 1.25);
  EXPECT_EQ(parse_metric(text, "bytes"), 4.5e6);
  EXPECT_EQ(parse_metric(text, "cpu"), std::nullopt);
}

TEST(ProcessWatchTest, SeesTimeOfEndedThreads) {
  const auto watch = watch_process(::getpid());
  const auto before = watch->sample();
  std::thread{[] { burn(30ms); }}.join();
  const auto after = watch->sample();
  ASSERT_TRUE(before && after);
  EXPECT_GE(after->cpu - before->cpu, 30ms);
}

TEST(ProcessWatchTest, ChargesChildrenWhileTheyLiveAndAfterwards) {
  const auto watch = watch_process(::getpid());
  const auto before = watch->sample();
  int ready[2];
  int leave[2];
  ASSERT_EQ(::pipe(ready) + ::pipe(leave), 0);
  const auto child = ::fork();
  if (child == 0) {
    burn(60ms);
    ::close(leave[1]);
    char byte = 0;
    if (::write(ready[1], &byte, 1) == 1) (void)!::read(leave[0], &byte, 1);
    ::_exit(0);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  const auto living = watch->sample();
  ::close(leave[1]);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  const auto waited = watch->sample();
  for (const int fd : {ready[0], ready[1], leave[0]}) ::close(fd);
  ASSERT_TRUE(before && living && waited);
  EXPECT_GE(living->cpu - before->cpu, 60ms);
  EXPECT_GE(waited->cpu - before->cpu, 40ms);  // In ticks of 10 ms, rounded down twice.
}

TEST(ProcessWatchTest, SeesMemoryThatIsWrittenTo) {
  constexpr std::size_t kBytes = 32 << 20;
  const auto watch = watch_process(::getpid());
  const auto before = watch->sample();
  std::vector<char> memory(kBytes, 'x');
  const auto after = watch->sample();
  ASSERT_TRUE(before && after);
  EXPECT_GE(after->anonymous_bytes - before->anonymous_bytes, kBytes * 9 / 10);
  EXPECT_EQ(memory[kBytes / 2], 'x');
}

// Also while nobody has waited for it yet.
TEST(ProcessWatchTest, AProcessThatIsGoneHasNothing) {
  const auto child = ::fork();
  if (child == 0) ::_exit(0);
  ::siginfo_t ignored{};
  ASSERT_EQ(::waitid(P_PID, static_cast<::id_t>(child), &ignored, WEXITED | WNOWAIT), 0);
  EXPECT_FALSE(watch_process(child)->sample());
  ::waitpid(child, nullptr, 0);
  EXPECT_FALSE(watch_process(child)->sample());
}

}  // namespace
}  // namespace chatgate::bench
