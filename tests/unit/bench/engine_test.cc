// Where the kernel refuses io_uring, as many containers make it do.

#include "line_server.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <optional>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <chatgate/bench/run.h>

namespace chatgate::bench {
namespace {

// For the calling thread and those that it starts (seccomp(2)).
bool forbid_io_uring() {
  std::array<::sock_filter, 4> program{
      ::sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(::seccomp_data, nr)),
      ::sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_setup, 0, 1),
      ::sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      ::sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const ::sock_fprog filter{program.size(), program.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

std::optional<base::Expected<Result, std::string>> run_where_forbidden(const Options& options) {
  std::optional<base::Expected<Result, std::string>> result;
  std::thread{[&] {
    const std::atomic<bool> never{false};
    if (forbid_io_uring()) result.emplace(run(options, never, [](const Progress&) {}));
  }}.join();
  return result;
}

Options options_for(const LineServer& server) {
  Options options;
  options.address = server.address();
  options.connections = 2;
  options.operations = 10;
  options.timeout = std::chrono::seconds{10};
  return options;
}

TEST(EngineTest, FallsBackToEpoll) {
  const LineServer server{{}};
  const auto result = run_where_forbidden(options_for(server));
  if (!result) GTEST_SKIP() << "no seccomp here";
  ASSERT_TRUE(*result) << result->error();
  EXPECT_EQ((**result).engine, EngineKind::Epoll);
  EXPECT_EQ((**result).operations, 10U);
}

TEST(EngineTest, SaysSoWhenIoUringWasAskedFor) {
  const LineServer server{{}};
  auto options = options_for(server);
  options.engine = EngineKind::IoUring;
  const auto result = run_where_forbidden(options);
  if (!result) GTEST_SKIP() << "no seccomp here";
  ASSERT_FALSE(*result);
  EXPECT_NE(result->error().find("Operation not permitted"), std::string::npos) << result->error();
}

}  // namespace
}  // namespace chatgate::bench
