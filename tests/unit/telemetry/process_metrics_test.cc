#include <chrono>
#include <map>
#include <sstream>
#include <thread>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chatgate/telemetry/process_metrics.h>

namespace chatgate::telemetry {
namespace {

// The samples without labels, by name.
std::map<std::string, double> scrape() {
  MetricWriter writer;
  ProcessMetrics{{.version = "1.2.3"}}.write_metrics(writer);
  std::istringstream lines{writer.serialize()};
  std::map<std::string, double> samples;
  for (std::string line; std::getline(lines, line);) {
    const auto space = line.find(' ');
    if (line.starts_with('#') || line.find('{') < space) continue;
    samples[line.substr(0, space)] = std::stod(line.substr(space + 1));
  }
  return samples;
}

TEST(ProcessMetricsTest, TellsWhatTheSystemKnowsOfThisProcess) {
  const auto samples = scrape();
  const auto page = static_cast<double>(::sysconf(_SC_PAGESIZE));
  EXPECT_GE(samples.at("process_resident_memory_bytes"), page);
  EXPECT_GE(samples.at("process_virtual_memory_bytes"),
            samples.at("process_resident_memory_bytes"));
  EXPECT_GE(samples.at("process_cpu_seconds_total"), 0);
  EXPECT_GE(samples.at("process_threads"), 1);

  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(samples.at("process_max_fds"), static_cast<double>(limit.rlim_cur));
}

TEST(ProcessMetricsTest, CountsOpenDescriptorsAndThreads) {
  std::map<std::string, double> before;
  std::map<std::string, double> during;
  // Both on threads: a sanitizer may start one of its own together with the first of ours.
  std::thread{[&] {
    before = scrape();
    const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    std::thread{[&] { during = scrape(); }}.join();
    ::close(fd);
  }}.join();
  EXPECT_EQ(during.at("process_open_fds"), before.at("process_open_fds") + 1);
  EXPECT_EQ(during.at("process_threads"), before.at("process_threads") + 1);
}

TEST(ProcessMetricsTest, StartedBeforeNowAndNotLongAgo) {
  const auto now =
      std::chrono::duration<double>{std::chrono::system_clock::now().time_since_epoch()}.count();
  // The kernel tells the second of its boot only.
  EXPECT_NEAR(scrape().at("process_start_time_seconds"), now, 120 + 2);
}

TEST(ProcessMetricsTest, SaysWhatWasBuilt) {
  MetricWriter writer;
  ProcessMetrics{{.version = "1.2.3", .revision = "abc", .compiler = "clang"}}.write_metrics(
      writer);
  EXPECT_THAT(writer.serialize(),
              ::testing::HasSubstr("chatgate_build_info{version=\"1.2.3\",revision=\"abc\","
                                   "compiler=\"clang\"} 1\n"));
}

}  // namespace
}  // namespace chatgate::telemetry
