#include "conversation.h"

#include <chrono>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <chatgate/net/connection.h>
#include <chatgate/support/eventually.h>

namespace chatgate::net {
namespace {

using namespace std::chrono_literals;

using Clock = Connection::Clock;

constexpr std::size_t kNoBound = std::numeric_limits<std::uint32_t>::max();

// More than any socket takes (net.ipv4.tcp_wmem and tcp_rmem: tcp(7)), each part of it different.
std::string long_text() {
  std::string text;
  for (int i = 0; text.size() < std::size_t{24} << 20; ++i) {
    text += std::to_string(i);
    text.append(8000, static_cast<char>('a' + i % 26));
  }
  return text;
}

RootTask wait_until_drained(Connection& connection, std::size_t bytes, std::size_t replies,
                            Events& events) {
  const auto wake = co_await connection.drained(bytes, replies);
  const bool is_drained = connection.queued() <= bytes && connection.queued_replies() <= replies;
  events.add(std::string{word(wake)} + (is_drained ? ", drained" : ", not drained"));
}

class ConnectionOutputTest : public ::testing::TestWithParam<Transport> {
 protected:
  // Sends text(), whose quarters are replies 1 to 4, and returns what the socket took at once.
  std::size_t send_long_text() {
    const auto sent = conversation_.run([](auto& connection) {
      std::vector<ReplyMark> replies;
      for (unsigned i = 1; i <= 4; ++i) {
        replies.push_back({text().size() * i / 4, Clock::time_point{std::chrono::seconds{i}}});
      }
      return connection.send(text(), replies);
    });
    EXPECT_GT(sent, 0);
    EXPECT_LT(sent, static_cast<std::ptrdiff_t>(text().size() / 4));
    return static_cast<std::size_t>(sent);
  }

  std::size_t queued() {
    return conversation_.run([](auto& connection) { return connection.queued(); });
  }

  void start_draining(std::size_t bytes, std::size_t replies) {
    conversation_.start([this, bytes, replies](auto& connection) {
      return wait_until_drained(connection, bytes, replies, events_);
    });
  }

  static const std::string& text() {
    static const std::string text = long_text();
    return text;
  }

  Events events_;
  EventLoop loop_{"loop"};
  SocketPair pair_ = GetParam().connect();
  Conversation conversation_{loop_, std::move(pair_.ours), events_};
};

constexpr Transport kUnix{"Unix", &unix_pair};
constexpr Transport kTcp{"Tcp", &tcp_pair};

INSTANTIATE_TEST_SUITE_P(Over, ConnectionOutputTest, ::testing::Values(kUnix, kTcp),
                         [](const auto& instance) { return instance.param.name; });

TEST_P(ConnectionOutputTest, IsSentAtOnceWhenTheSocketTakesIt) {
  const auto sent = conversation_.run([](auto& connection) {
    return connection.send("reply\n", {{6, Clock::now()}});
  });
  EXPECT_EQ(sent, 6);
  EXPECT_EQ(queued(), 0U);
  EXPECT_EQ(receive(pair_.peer, 6), "reply\n");
  EXPECT_EQ(conversation_.flushed_bytes(), 0U);
}

TEST_P(ConnectionOutputTest, IsQueuedAndFlushedWhenThePeerReads) {
  const auto sent = send_long_text();
  EXPECT_EQ(queued(), text().size() - sent);
  EXPECT_EQ(conversation_.run([](auto& c) { return c.queued_replies(); }), 4U);
  EXPECT_TRUE(receive(pair_.peer, text().size()) == text());
  EXPECT_EQ(events_.next(4),
            (std::vector<std::string>{"reply 1", "reply 2", "reply 3", "reply 4"}));
  EXPECT_TRUE(support::eventually([&] { return queued() == 0; }));
  EXPECT_EQ(conversation_.flushed_bytes(), text().size() - sent);
}

TEST_P(ConnectionOutputTest, KeepsItsOrderWhenMoreIsSentBehindTheQueue) {
  send_long_text();
  EXPECT_EQ(conversation_.run([](auto& connection) { return connection.send("more", {}); }), 0);
  EXPECT_TRUE(receive(pair_.peer, text().size() + 4) == text() + "more");
}

TEST_P(ConnectionOutputTest, IsFlushedWhileTheCoroutineWaitsForInput) {
  conversation_.start_reading(64);
  send_long_text();
  EXPECT_TRUE(receive(pair_.peer, text().size()) == text());
  send_all(pair_.peer, "x");
  auto event = events_.next();
  while (event.starts_with("reply")) event = events_.next();
  EXPECT_EQ(event, "x");
}

TEST_P(ConnectionOutputTest, WakesTheCoroutineWhenFewEnoughBytesAreQueued) {
  const auto sent = send_long_text();
  start_draining((text().size() - sent) / 8, kNoBound);
  events_.add("the peer reads");
  EXPECT_TRUE(receive(pair_.peer, text().size()) == text());
  EXPECT_EQ(events_.next(), "the peer reads");
  auto event = events_.next();
  while (event.starts_with("reply")) event = events_.next();
  EXPECT_EQ(event, "ready, drained");
}

TEST_P(ConnectionOutputTest, WakesTheCoroutineWhenFewEnoughRepliesAreQueued) {
  send_long_text();
  start_draining(kNoBound, 2);
  EXPECT_TRUE(receive(pair_.peer, text().size()) == text());
  EXPECT_EQ(events_.next(2), (std::vector<std::string>{"reply 1", "reply 2"}));
  auto event = events_.next();
  while (event.starts_with("reply")) event = events_.next();
  EXPECT_EQ(event, "ready, drained");
}

TEST_P(ConnectionOutputTest, DoesNotWaitForWhatIsDrained) {
  start_draining(0, 0);
  EXPECT_EQ(events_.next(), "ready, drained");
}

TEST_P(ConnectionOutputTest, RemembersSinceWhenTheSocketTakesNothing) {
  const auto before = Clock::now();
  const auto sent = send_long_text();
  const auto stalled_since = [this] {
    return conversation_.run([](auto& connection) { return connection.stalled_since(); });
  };
  const auto queued_at = stalled_since();
  EXPECT_GE(queued_at, before);
  EXPECT_LE(queued_at, Clock::now());
  receive(pair_.peer, sent);
  EXPECT_TRUE(support::eventually([&] { return stalled_since() > queued_at; }));
}

TEST_P(ConnectionOutputTest, EndsAfterWhatTheSocketTookWhenItIsShutDown) {
  const auto sent = send_long_text();
  conversation_.run([](auto& connection) { connection.shut_down_output(); });
  EXPECT_EQ(queued(), 0U);
  EXPECT_TRUE(receive(pair_.peer, text().size()) == text().substr(0, sent) + "<eof>");
}

TEST_P(ConnectionOutputTest, EndsPolitelyWhenTheConnectionIsDestroyed) {
  conversation_.run([](auto& connection) { return connection.send("bye", {}); });
  conversation_.end();
  EXPECT_EQ(receive(pair_.peer, 4), "bye<eof>");
}

class TcpConnectionOutputTest : public ConnectionOutputTest {};

INSTANTIATE_TEST_SUITE_P(Over, TcpConnectionOutputTest, ::testing::Values(kTcp),
                         [](const auto& instance) { return instance.param.name; });

TEST_P(TcpConnectionOutputTest, IsCutOffByAResetWhenTheConnectionIsAborted) {
  send_long_text();
  conversation_.run([](auto& connection) { connection.abort_on_close(); });
  conversation_.end();
  EXPECT_TRUE(receive(pair_.peer, text().size()).ends_with("<reset>"));
}

TEST_P(TcpConnectionOutputTest, IsRefusedOnceThePeerIsGone) {
  conversation_.start_reading(64);
  reset(pair_.peer);
  EXPECT_EQ(events_.next(), "<failed>");
  const auto send = [this] {
    return conversation_.run([](auto& connection) { return connection.send("lost", {}); });
  };
  EXPECT_EQ(send(), -1);
  EXPECT_EQ(send(), -1);
  EXPECT_EQ(queued(), 0U);
}

TEST_P(TcpConnectionOutputTest, FailsTheCoroutineThatWaitsForItToDrain) {
  send_long_text();
  start_draining(0, 0);
  reset(pair_.peer);
  EXPECT_EQ(events_.next(), "failed, not drained");
}

TEST_P(TcpConnectionOutputTest, FailsTheCoroutineThatWaitsForInput) {
  send_long_text();
  conversation_.start_reading(64);
  reset(pair_.peer);
  EXPECT_EQ(events_.next(), "failed");
}

TEST_P(TcpConnectionOutputTest, FailsTheCoroutineThatStartsToWaitAfterwards) {
  send_long_text();
  reset(pair_.peer);
  // The loop finds out by itself, for nobody waits: then it refuses what would be queued else.
  EXPECT_TRUE(support::eventually([this] {
    return conversation_.run([](auto& connection) { return connection.send("x", {}); }) == -1;
  }));
  start_draining(0, 0);
  EXPECT_EQ(events_.next(), "failed, not drained");
}

}  // namespace
}  // namespace chatgate::net
