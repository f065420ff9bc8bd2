#include "conversation.h"

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <chatgate/net/connection.h>

namespace chatgate::net {
namespace {

using namespace std::chrono_literals;

using Clock = Connection::Clock;

// Tells when the wheel has come to a time: what should not happen until then has not.
struct Witness final : Timer {
  explicit Witness(Events& events_to_tell) : events{events_to_tell} {}
  void on_deadline() override { events.add("witness"); }
  Events& events;
};

class ConnectionTest : public ::testing::TestWithParam<Transport> {
 protected:
  ConnectionTest() = default;
  ~ConnectionTest() override {
    loop_.run([this] { loop_.timers().disarm(witness_); });
  }

  Events events_;
  Witness witness_{events_};
  EventLoop loop_{"loop"};
  SocketPair pair_ = GetParam().connect();
  Conversation conversation_{loop_, std::move(pair_.ours), events_};
};

INSTANTIATE_TEST_SUITE_P(Over, ConnectionTest,
                         ::testing::Values(Transport{"Unix", &unix_pair},
                                           Transport{"Tcp", &tcp_pair}),
                         [](const auto& instance) { return instance.param.name; });

TEST_P(ConnectionTest, WaitsForInput) {
  conversation_.start_reading(64);
  send_all(pair_.peer, "one");
  EXPECT_EQ(events_.next(), "one");
  send_all(pair_.peer, "two");
  EXPECT_EQ(events_.next(), "two");
}

TEST_P(ConnectionTest, RemembersReadinessUntilAShortRead) {
  send_all(pair_.peer, "abcdefghij");
  conversation_.start_reading(4);
  EXPECT_EQ(events_.next(3), (std::vector<std::string>{"abcd", "efgh", "ij"}));
  send_all(pair_.peer, "k");
  EXPECT_EQ(events_.next(), "k");
}

TEST_P(ConnectionTest, RemembersReadinessUntilThereIsNothingToRead) {
  send_all(pair_.peer, "abcdefgh");
  conversation_.start_reading(4);
  EXPECT_EQ(events_.next(3), (std::vector<std::string>{"abcd", "efgh", "<nothing>"}));
  send_all(pair_.peer, "i");
  EXPECT_EQ(events_.next(), "i");
}

TEST_P(ConnectionTest, TellsTheEndThatCameTogetherWithTheLastBytes) {
  loop_.run([this] {
    send_all(pair_.peer, "abc");
    shut_down(pair_.peer);
  });
  conversation_.start_reading(64);
  EXPECT_EQ(events_.next(2), (std::vector<std::string>{"abc", "<eof>"}));
}

TEST_P(ConnectionTest, TellsTheEndThatComesWhileItWaits) {
  conversation_.start_reading(64);
  send_all(pair_.peer, "abc");
  EXPECT_EQ(events_.next(), "abc");
  shut_down(pair_.peer);
  EXPECT_EQ(events_.next(), "<eof>");
}

TEST_P(ConnectionTest, CanStillSendToAPeerThatEndedItsOutput) {
  conversation_.start_reading(64);
  shut_down(pair_.peer);
  EXPECT_EQ(events_.next(), "<eof>");
  EXPECT_EQ(conversation_.run([](auto& connection) { return connection.send("bye", {}); }), 3);
  EXPECT_EQ(receive(pair_.peer, 3), "bye");
}

TEST_P(ConnectionTest, TimesOutAtItsDeadlineAndGoesOn) {
  const auto deadline = Clock::now() + 150ms;
  conversation_.run([&](auto& connection) { connection.set_deadline(deadline); });
  conversation_.start_reading(64);
  EXPECT_EQ(events_.next(), "timed out");
  EXPECT_GE(Clock::now(), deadline);
  send_all(pair_.peer, "x");
  EXPECT_EQ(events_.next(), "x");
}

TEST_P(ConnectionTest, ForgetsAClearedDeadline) {
  conversation_.start_reading(64);
  conversation_.run([this](auto& connection) {
    const auto now = Clock::now();
    connection.set_deadline(now + 50ms);
    connection.clear_deadline();
    loop_.timers().arm(witness_, now + 300ms);
  });
  EXPECT_EQ(events_.next(), "witness");
}

TEST_P(ConnectionTest, HasOneDeadlineTheLatestOneSet) {
  conversation_.start_reading(64);
  conversation_.run([this](auto& connection) {
    const auto now = Clock::now();
    connection.set_deadline(now + 50ms);
    connection.set_deadline(now + 450ms);
    loop_.timers().arm(witness_, now + 250ms);
  });
  EXPECT_EQ(events_.next(2), (std::vector<std::string>{"witness", "timed out"}));
}

TEST_P(ConnectionTest, IsToldWhileItWaits) {
  conversation_.start_reading(64);
  conversation_.run([](auto& connection) { connection.tell(); });
  EXPECT_EQ(events_.next(), "told");
}

TEST_P(ConnectionTest, IsToldOnceWhenItNextWaitsAndThenReads) {
  send_all(pair_.peer, "x");
  conversation_.run([](auto& connection) {
    connection.tell();
    connection.tell();
  });
  conversation_.start_reading(64);
  EXPECT_EQ(events_.next(), "told");
  conversation_.start_reading(64);
  EXPECT_EQ(events_.next(), "x");
}

TEST(TcpConnectionTest, TellsAReaderThatThePeerReset) {
  Events events;
  EventLoop loop{"loop"};
  auto pair = tcp_pair();
  Conversation conversation{loop, std::move(pair.ours), events};
  conversation.start_reading(64);
  reset(pair.peer);
  EXPECT_EQ(events.next(), "<failed>");
}

struct NoObserver final : Connection::Observer {
  void on_flushed(std::size_t /*bytes*/) override {}
  void on_reply_flushed(Clock::time_point /*asked_at*/, Clock::time_point /*now*/) override {}
};

RootTask wait_and_destroy(std::unique_ptr<Connection> connection, Events& events) {
  const auto wake = co_await connection->readable();
  connection.reset();
  events.add(word(wake));
}

struct WakeCase {
  const char* name;
  const char* wake;
  void (*cause)(Connection& connection, UniqueFd& peer);
};

void PrintTo(const WakeCase& wake_case, std::ostream* out) { *out << wake_case.name; }

class WakeTest : public ::testing::TestWithParam<WakeCase> {};

TEST_P(WakeTest, LetsTheCoroutineDestroyItsConnection) {
  Events events;
  NoObserver observer;
  EventLoop loop{"loop"};
  auto pair = tcp_pair();
  loop.run([&] {
    auto owned = std::make_unique<Connection>(loop, std::move(pair.ours), observer);
    auto& connection = *owned;
    EXPECT_FALSE(connection.open());
    wait_and_destroy(std::move(owned), events);
    GetParam().cause(connection, pair.peer);
  });
  EXPECT_EQ(events.next(), GetParam().wake);
}

INSTANTIATE_TEST_SUITE_P(
    OfEachKind, WakeTest,
    ::testing::Values(WakeCase{"Ready", "ready", [](auto&, auto& peer) { send_all(peer, "x"); }},
                      WakeCase{
                          "TimedOut", "timed out",
                          [](auto& connection, auto&) { connection.set_deadline(Clock::now()); }},
                      WakeCase{"Told", "told", [](auto& connection, auto&) { connection.tell(); }},
                      WakeCase{"Failed", "failed",
                               [](auto& connection, auto& peer) {
                                 connection.send(std::string(32 << 20, 'x'), {});
                                 reset(peer);
                               }}),
    [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace chatgate::net
