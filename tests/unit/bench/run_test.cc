#include "line_server.h"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <string>

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chatgate/bench/run.h>

namespace chatgate::bench {
namespace {

using namespace std::chrono_literals;

Options options_for(const LineServer& server, EngineKind engine) {
  Options options;
  options.address = server.address();
  options.engine = engine;
  options.connections = 4;
  options.message = "hi";
  options.operations = 500;
  options.timeout = 10s;
  return options;
}

const FaultCount& fault(const Result& result, Fault kind) {
  return result.faults[static_cast<std::size_t>(kind)];
}

/// Each promise holds whatever talks to the kernel.
class RunTest : public ::testing::TestWithParam<EngineKind> {
 protected:
  void SetUp() override {
    // Without a pointer the call fails in any case; how tells whether it is let through.
    const bool had = ::syscall(__NR_io_uring_setup, 1, nullptr) < 0 && errno == EFAULT;
    if (GetParam() == EngineKind::IoUring && !had) GTEST_SKIP() << "no io_uring here";
  }

  static Result run(const Options& options, const std::atomic<bool>& stop) {
    EXPECT_EQ(find_mistake(options), std::nullopt);
    auto result = bench::run(options, stop, [](const Progress&) {});
    EXPECT_TRUE(result) << result.error();
    return *std::move(result);
  }
  Result run(const Options& options) const { return run(options, never_); }

  const std::atomic<bool> never_{false};
};

TEST_P(RunTest, EachMessageHasItsReply) {
  const LineServer server{{}};
  auto options = options_for(server, GetParam());
  options.window = 7;
  options.warmup = 100;
  options.threads = 2;
  const auto result = run(options);
  EXPECT_EQ(result.engine, GetParam());
  EXPECT_EQ(result.operations, 500U);
  EXPECT_EQ(result.latency.count(), 500U);
  EXPECT_EQ(result.greeted, 4U);
  EXPECT_EQ(result.errors + result.refused, 0U);
  EXPECT_GT(result.latency.min().count(), 0);
}

TEST_P(RunTest, EachConnectionIsAConversation) {
  const LineServer server{{}};
  auto options = options_for(server, GetParam());
  options.mode = Mode::Connection;
  options.sources = 3;
  const auto result = run(options);
  EXPECT_EQ(result.operations, 500U);
  EXPECT_EQ(result.greeted, 500U);
  EXPECT_EQ(result.errors, 0U);
}

TEST_P(RunTest, SpeaksAProtocolWithAPreambleAndRepliesOfManyLines) {
  const LineServer server{{.greeting = "one\r\ntwo\r\n", .reply = "a\r\nPING 1\r\nb\r\n"}};
  auto options = options_for(server, GetParam());
  options.greeting_lines = 2;
  options.line_end = "\r\n";
  options.preamble = "NICK a{n}\r\nUSER b\r\n";
  options.preamble_replies = 4;
  options.reply_lines = 2;
  options.ignore = "PING";
  const auto result = run(options);
  EXPECT_EQ(result.operations, 500U);
  EXPECT_EQ(result.errors, 0U);
}

TEST_P(RunTest, NeedsNoGreeting) {
  const LineServer server{{.greeting = ""}};
  auto options = options_for(server, GetParam());
  options.greeting_lines = 0;
  EXPECT_EQ(run(options).operations, 500U);
  options.mode = Mode::Connection;
  EXPECT_EQ(run(options).operations, 500U);
}

TEST_P(RunTest, IdlersAreGreetedAndMayTalkOnce) {
  const LineServer server{{}};
  auto options = options_for(server, GetParam());
  options.mode = Mode::Idle;
  options.operations = 0;
  options.connections = 100;
  options.talk = true;
  options.hold = 10ms;
  const auto result = run(options);
  EXPECT_EQ(result.operations, 100U);
  EXPECT_EQ(result.greeted, 100U);
  EXPECT_EQ(result.errors, 0U);
}

TEST_P(RunTest, ARefusalIsCountedAndShown) {
  const LineServer server{{.greeting = "421 full\n"}};
  const auto result = run(options_for(server, GetParam()));
  EXPECT_EQ(result.refused, 4U);
  EXPECT_EQ(result.first_refusal, "421 full");
  EXPECT_EQ(result.operations, 0U);
}

TEST_P(RunTest, ARefusedConversationEndsItsOperation) {
  const LineServer server{{.greeting = "421 full\n"}};
  auto options = options_for(server, GetParam());
  options.mode = Mode::Connection;
  const auto result = run(options);
  EXPECT_EQ(result.refused, 500U);
  EXPECT_EQ(result.operations, 0U);
}

TEST_P(RunTest, ALostConnectionFailsWhatItOwed) {
  const LineServer server{{.end_after = 10}};
  auto options = options_for(server, GetParam());
  options.window = 4;
  const auto result = run(options);
  EXPECT_LE(result.operations, 4U * 13);
  EXPECT_GE(fault(result, Fault::Lost).count, 4U);
  EXPECT_NE(fault(result, Fault::Lost).first, "");
  EXPECT_EQ(result.errors, fault(result, Fault::Lost).count);
}

TEST_P(RunTest, ALineThatNothingAskedForIsAFault) {
  const LineServer server{{.reply = "a\nb\n"}};
  const auto result = run(options_for(server, GetParam()));
  EXPECT_EQ(fault(result, Fault::Surplus).count, 4U);
}

TEST_P(RunTest, AMuteServerTimesOut) {
  const LineServer server{{.mute = true}};
  auto options = options_for(server, GetParam());
  options.timeout = 200ms;
  const auto result = run(options);
  EXPECT_EQ(fault(result, Fault::TimedOut).count, 4U);
  EXPECT_EQ(fault(result, Fault::TimedOut).first, "no greeting within 200ms");
}

TEST_P(RunTest, NobodyListens) {
  std::string address;
  {
    const LineServer server{{}};
    address = server.address();
  }
  const LineServer other{{}};
  auto options = options_for(other, GetParam());
  options.address = address;
  const auto result = run(options);
  EXPECT_EQ(fault(result, Fault::NotConnected).count, 4U);
  EXPECT_EQ(fault(result, Fault::NotConnected).first, "Connection refused");
}

TEST_P(RunTest, APacedRunKeepsItsRateAndItsEnd) {
  const LineServer server{{}};
  auto options = options_for(server, GetParam());
  for (const auto mode : {Mode::Message, Mode::Connection}) {
    options.mode = mode;
    options.rate = 1'000;
    options.operations = 200;
    const auto result = run(options);
    EXPECT_EQ(result.operations, 200U);
    EXPECT_GE(result.elapsed, 199ms);
    options.operations = 0;
    options.duration = 100ms;
    // Those due at the very end may or may not be.
    EXPECT_NEAR(static_cast<double>(run(options).operations), 101, 1);
    options.duration = 0ms;
  }
}

// What an open loop owes to a server that never answers is not forgotten.
TEST_P(RunTest, WhatWasDueAndHasNoReplyIsAnError) {
  const LineServer server{{.greeting = "hello\n", .reply = ""}};
  auto options = options_for(server, GetParam());
  options.operations = 0;
  options.duration = 200ms;
  options.rate = 1'000;
  options.timeout = 300ms;
  const auto result = run(options);
  EXPECT_EQ(result.operations, 0U);
  EXPECT_NEAR(static_cast<double>(result.errors), 201, 1);
}

TEST_P(RunTest, EndsEarlyWhenAsked) {
  const LineServer server{{}};
  auto options = options_for(server, GetParam());
  options.operations = 0;
  options.duration = 1h;
  std::atomic<bool> stop{false};
  const auto result = bench::run(options, stop, [&stop](const Progress& progress) {
    if (progress.operations > 0) stop = true;
  });
  ASSERT_TRUE(result);
  EXPECT_TRUE((*result).interrupted);
  EXPECT_GT((*result).operations, 0U);
  EXPECT_EQ((*result).errors, 0U);
}

INSTANTIATE_TEST_SUITE_P(Engines, RunTest,
                         ::testing::Values(EngineKind::Epoll, EngineKind::IoUring),
                         [](const auto& info) { return std::string{to_text(info.param)}; });

TEST(RunErrorTest, SaysWhyNothingWasMeasured) {
  const std::atomic<bool> never{false};
  const auto error_of = [&never](const Options& options) {
    const auto result = run(options, never, [](const Progress&) {});
    return result ? std::string{"none"} : result.error();
  };
  const LineServer server{{}};
  auto options = options_for(server, EngineKind::Auto);
  options.address = "nowhere";
  EXPECT_EQ(error_of(options), "nowhere: an address is HOST:PORT, [V6]:PORT or unix:/path");
  options = options_for(server, EngineKind::Auto);
  options.server_pid = 1 << 30;
  EXPECT_EQ(error_of(options), "--server-pid: no process 1073741824");
  options = options_for(server, EngineKind::Auto);
  options.connections = kConnectionsMax;
  EXPECT_NE(error_of(options).find("1000000 connections need 1000064 descriptors"),
            std::string::npos);
}

}  // namespace
}  // namespace chatgate::bench
