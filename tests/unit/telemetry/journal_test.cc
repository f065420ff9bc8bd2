// The journal at its well-known place, in a mount namespace of our own.

#include <array>
#include <chrono>
#include <cstdio>
#include <future>
#include <optional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chatgate/telemetry/log.h>

namespace chatgate::telemetry {
namespace {

constexpr int kSkipped = 77;

// Gives this process a /run of its own; false where that is not allowed.
bool isolate_run() {
  if (::unshare(CLONE_NEWNS) != 0) return false;
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
  return ::mount("tmpfs", "/run", "tmpfs", 0, nullptr) == 0;
}

int bind_journal() {
  ::mkdir("/run/systemd", 0755);
  ::mkdir("/run/systemd/journal", 0755);
  sockaddr_un address{AF_UNIX, "/run/systemd/journal/socket"};
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  // Reached only by a test that fails.
  const timeval patience{.tv_sec = 10, .tv_usec = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const bool bound = ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  return bound ? fd : -1;
}

std::string receive(int fd) {
  std::array<char, 4096> datagram{};
  const auto n = ::recv(fd, datagram.data(), datagram.size(), 0);
  return {datagram.data(), n < 0 ? 0 : static_cast<std::size_t>(n)};
}

// Runs `scenario` in a process whose /run is its own. It may start threads: it has none yet.
template <class Scenario>
int run_isolated(const Scenario& scenario) {
  const auto child = ::fork();
  if (child == 0) {
    if (!isolate_run()) ::_exit(kSkipped);
    scenario();
    std::fflush(nullptr);
    ::_exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

TEST(JournalTest, ReceivesEveryFieldByName) {
  const int result = run_isolated([] {
    const int journal = bind_journal();
    ASSERT_GE(journal, 0);
    Log log;
    ASSERT_EQ(log.apply({.output = "journald"}), std::nullopt);
    log.warn("session_closed", {{"id", 12U}, {"peer", "127.0.0.1:5000"}});
    // The native protocol: https://systemd.io/JOURNAL_NATIVE_PROTOCOL/
    EXPECT_EQ(receive(journal),
              "MESSAGE=warn event=session_closed id=12 peer=127.0.0.1:5000\n"
              "PRIORITY=4\n"
              "SYSLOG_IDENTIFIER=chatgate\n"
              "CHATGATE_EVENT=session_closed\n"
              "CHATGATE_SESSION=12\n"
              "CHATGATE_PEER=127.0.0.1:5000\n");
  });
  if (result == kSkipped) GTEST_SKIP() << "no mount namespace to be had here";
  EXPECT_EQ(result, 0);
}

// journald looks the sender of a line up in /proc when it reads the line.
TEST(JournalTest, ReadsTheLastLineWhileItsWriterIsThere) {
  const int result = run_isolated([] {
    const int journal = bind_journal();
    ASSERT_GE(journal, 0);
    std::optional<Log> log{std::in_place};
    ASSERT_EQ(log->apply({.output = "journald"}), std::nullopt);
    log->error("start_failed");
    const auto end = std::async(std::launch::async, [&log] { log.reset(); });
    EXPECT_EQ(end.wait_for(std::chrono::milliseconds{100}), std::future_status::timeout);
    while (!receive(journal).empty()) {
    }
    EXPECT_EQ(end.wait_for(std::chrono::seconds{10}), std::future_status::ready);
  });
  if (result == kSkipped) GTEST_SKIP() << "no mount namespace to be had here";
  EXPECT_EQ(result, 0);
}

TEST(JournalTest, MakesNobodyWaitWhenItHasStopped) {
  const int result = run_isolated([] {
    const int journal = bind_journal();
    ASSERT_GE(journal, 0);
    Log log;
    ASSERT_EQ(log.apply({.output = "journald"}), std::nullopt);
    for (int i = 0; i < 10'000; ++i) log.info("tick", {{"i", i}});
    EXPECT_GT(log.counts().overrun, 0U);
  });
  if (result == kSkipped) GTEST_SKIP() << "no mount namespace to be had here";
  EXPECT_EQ(result, 0);
}

TEST(JournalTest, IsRefusedWhereThereIsNone) {
  const int result = run_isolated([] {
    Log log;
    EXPECT_EQ(log.apply({.output = "journald"}),
              "cannot connect to /run/systemd/journal/socket: No such file or directory");
  });
  if (result == kSkipped) GTEST_SKIP() << "no mount namespace to be had here";
  EXPECT_EQ(result, 0);
}

}  // namespace
}  // namespace chatgate::telemetry
