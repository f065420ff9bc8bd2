#include "conversation.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <chatgate/net/connection.h>

namespace chatgate::net {
namespace {

constexpr std::size_t kReadBytes = 16;
constexpr std::size_t kReadsPerTurn = 4;

class ConnectionTurnsTest : public ::testing::Test {
 protected:
  // Everybody's bytes become known to the loop in one batch: `a` has its turn first, then `b`.
  void send_to_both(std::size_t reads_of_a, std::size_t reads_of_b) {
    loop_.run([&] {
      send_all(a_.peer, std::string(reads_of_a * kReadBytes, 'a'));
      send_all(b_.peer, std::string(reads_of_b * kReadBytes, 'b'));
    });
  }

  // The first letter of each of the next `count` events.
  std::string order_of_next(std::size_t count) {
    std::string order;
    for (const auto& event : events_.next(count)) order += event.front();
    return order;
  }

  Events events_;
  EventLoop loop_{"loop"};
  SocketPair a_ = unix_pair();
  SocketPair b_ = unix_pair();
  Conversation greedy_{loop_, std::move(a_.ours), events_};
  Conversation modest_{loop_, std::move(b_.ours), events_};
};

TEST_F(ConnectionTurnsTest, ServesAModestClientAfterAFewReadsOfAGreedyOne) {
  greedy_.start_reading(kReadBytes);
  modest_.start_reading(2 * kReadBytes);
  send_to_both(100, 1);
  EXPECT_EQ(order_of_next(101), std::string(kReadsPerTurn, 'a') + 'b' + std::string(96, 'a'));
}

TEST_F(ConnectionTurnsTest, ServesTwoGreedyClientsByTurns) {
  constexpr std::size_t kTurns = 25;
  greedy_.start_reading(kReadBytes);
  modest_.start_reading(kReadBytes);
  send_to_both(kTurns * kReadsPerTurn, kTurns * kReadsPerTurn);
  std::string fair;
  for (std::size_t i = 0; i < kTurns; ++i) {
    fair += std::string(kReadsPerTurn, 'a') + std::string(kReadsPerTurn, 'b');
  }
  EXPECT_EQ(order_of_next(fair.size()), fair);
}

RootTask post_when_ready(Connection& connection, EventLoop& loop, Events& events) {
  const auto wake = co_await connection.readable();
  if (wake == Wake::Ready) loop.post([&events] { events.add("posted"); });
}

TEST_F(ConnectionTurnsTest, LetsPostedWorkRunBetweenTheTurnsOfAGreedyClient) {
  greedy_.start_reading(kReadBytes);
  modest_.start([this](auto& connection) { return post_when_ready(connection, loop_, events_); });
  send_to_both(100, 1);
  EXPECT_LE(order_of_next(101).find('p'), 2 * kReadsPerTurn);
}

RootTask end_other(Connection& connection, Conversation& other, Events& events) {
  const auto wake = co_await connection.readable();
  other.end_here();
  events.add(std::string{"ended when "} + word(wake));
}

TEST_F(ConnectionTurnsTest, GivesNoFurtherTurnToAConnectionThatWasDestroyed) {
  greedy_.start_reading(kReadBytes);
  modest_.start([this](auto& connection) { return end_other(connection, greedy_, events_); });
  send_to_both(100, 1);
  EXPECT_EQ(events_.next(kReadsPerTurn),
            std::vector<std::string>(kReadsPerTurn, std::string(kReadBytes, 'a')));
  EXPECT_EQ(events_.next(2), (std::vector<std::string>{"told", "ended when ready"}));
  modest_.start_reading(2 * kReadBytes);
  EXPECT_EQ(events_.next(), std::string(kReadBytes, 'b'));
}

// A read ends at an urgent byte, and all that comes behind it was told by one event.
TEST(UrgentDataTest, IsReadPastWithoutAnotherEvent) {
  Events events;
  EventLoop loop{"loop"};
  auto pair = tcp_pair();
  Conversation conversation{loop, std::move(pair.ours), events};
  conversation.start_reading(64);
  for (int i = 0; i < 3; ++i) {
    loop.run([&] {
      send_all(pair.peer, "before");
      ASSERT_EQ(::send(pair.peer.get(), "!", 1, MSG_OOB), 1);
      send_all(pair.peer, "behind");
    });
    EXPECT_EQ(events.next(3), (std::vector<std::string>{"before", "behind", "<nothing>"}));
    send_all(pair.peer, "plain");
    EXPECT_EQ(events.next(), "plain");
  }
}

}  // namespace
}  // namespace chatgate::net
