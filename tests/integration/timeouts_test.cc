#include "gateway_fixture.h"

#include <chrono>
#include <optional>
#include <string>

#include <gmock/gmock.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace chatgate::integration {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kTimeLimit = 300ms;

// A timeout is due at `kTimeLimit` and comes with the next tick of 100 ms. How much later a busy
// machine lets us see it is not the gateway's to promise.
constexpr auto kSeenLatest = 2s;

std::string peer_of(int descriptor) {
  ::sockaddr_storage peer{};
  ::socklen_t size = sizeof peer;
  if (::getpeername(descriptor, reinterpret_cast<::sockaddr*>(&peer), &size) != 0) return {};
  return net::to_text(net::PeerAddress::from_sockaddr(peer));
}

// TCP_USER_TIMEOUT of the client's connection at the gateway's end, which this process has, too.
std::optional<std::chrono::milliseconds> user_timeout_of_gateway(const TestClient& client) {
  constexpr int kDescriptors = 200;  // More than such a test has.
  for (int descriptor = 0; descriptor < kDescriptors; ++descriptor) {
    if (peer_of(descriptor) != client.local_address()) continue;
    unsigned timeout = 0;
    ::socklen_t size = sizeof timeout;
    if (::getsockopt(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, &size) != 0) break;
    return std::chrono::milliseconds{timeout};
  }
  return {};
}

class TimeoutsTest : public GatewayTest {
 protected:
  session::TimeoutOptions& timeouts() { return config.timeouts; }

  // The client reads to the end, which must come so long after `since`, but not sooner.
  void expect_end(TestClient& client, Clock::time_point since, std::string_view reason,
                  std::chrono::milliseconds earliest = kTimeLimit) {
    client.receive_until_eof();
    const auto lasted = Clock::now() - since;
    EXPECT_GE(lasted, earliest);
    EXPECT_LT(lasted, earliest + kSeenLatest);
    client.close();
    EXPECT_TRUE(ends_with(reason));
  }
};

TEST_F(TimeoutsTest, EndsAClientThatIsSilent) {
  timeouts().idle = kTimeLimit;
  start();
  const auto began = Clock::now();
  auto client = greeted();
  expect_end(client, began, "idle_timeout");
}

TEST_F(TimeoutsTest, CountsSilenceFromTheLastByte) {
  timeouts().idle = kTimeLimit;
  start();
  auto client = greeted();
  auto last_byte = Clock::now();
  for (int i = 0; i < 5; ++i) {
    // Silent for half the limit each time: no moment but the last is silent for all of it.
    EXPECT_FALSE(eventually([&] { return gateway().ended("idle_timeout") > 0; }, kTimeLimit / 2));
    last_byte = Clock::now();
    client.send("x");
  }
  expect_end(client, last_byte, "idle_timeout");
}

TEST_F(TimeoutsTest, EndsAClientThatNeverCompletesALine) {
  timeouts().line = kTimeLimit;
  start();
  auto client = greeted();
  client.send("complete\n");
  EXPECT_EQ(client.receive_line(), "<complete>");
  const auto began = Clock::now();
  client.send("b");
  // More bytes of the same line win it no time.
  while (Clock::now() < began + kTimeLimit && gateway().ended("line_timeout") == 0) {
    client.send_some("y");
  }
  expect_end(client, began, "line_timeout");
}

TEST_F(TimeoutsTest, GivesEachLineItsOwnTime) {
  timeouts().line = kTimeLimit;
  start();
  auto client = greeted();
  const auto began = Clock::now();
  while (Clock::now() < began + 2 * kTimeLimit) {
    client.send("x\ny");
    EXPECT_EQ(client.receive_line().back(), '>');
  }
  expect_end(client, began, "line_timeout", 2 * kTimeLimit);
}

TEST_F(TimeoutsTest, EndsAClientThatSendsNoFirstMessage) {
  timeouts().first_message = kTimeLimit;
  start();
  const auto began = Clock::now();
  auto client = greeted();
  client.send("no end of line");
  expect_end(client, began, "first_message_timeout");
}

TEST_F(TimeoutsTest, AsksForAFirstMessageAlone) {
  timeouts().first_message = kTimeLimit;
  timeouts().idle = 3 * kTimeLimit;
  start();
  auto client = greeted();
  const auto began = Clock::now();
  client.send("x\n");
  EXPECT_EQ(client.receive_line(), "<x>");
  expect_end(client, began, "idle_timeout", 3 * kTimeLimit);
}

TEST_F(TimeoutsTest, EndsAnyClientAtTheGreatestAge) {
  timeouts().max_lifetime = kTimeLimit;
  start();
  const auto began = Clock::now();
  auto client = greeted();
  // Jittered by 10 % downwards.
  expect_end(client, began, "max_lifetime", kTimeLimit * 9 / 10);
}

TEST_F(TimeoutsTest, AnswersWhatCameBeforeTheGreatestAge) {
  timeouts().max_lifetime = kTimeLimit;
  start();
  auto client = greeted();
  int answered = 0;
  std::string line;
  do {
    client.send("x\n");
    line = client.receive_line();
    answered += line == "<x>" ? 1 : 0;
  } while (line == "<x>");
  EXPECT_EQ(line, kEof);
  EXPECT_EQ(gateway().metric("chatgate_messages_received_total{listener=\"public\"}"), answered);
}

TEST_F(TimeoutsTest, EndsAClientThatTakesNoReplies) {
  timeouts().write = kTimeLimit;
  service().reply = std::string(4096, 'x') + "\n";
  start();
  auto client = greeted({.receive_bytes = 4096});
  const auto began = Clock::now();
  client.send(repeated("more\n", 5000));
  EXPECT_TRUE(ends_with("write_timeout"));
  EXPECT_GE(Clock::now() - began, kTimeLimit);
}

// With TCP_USER_TIMEOUT the first probe of keepalive that is lost ends a silent session (tcp(7)).
TEST_F(TimeoutsTest, LeavesASilentClientToAllProbesOfKeepalive) {
  timeouts().probes = kTimeLimit;
  start();
  auto client = greeted();
  for (int silence = 0; silence < 2; ++silence) {
    EXPECT_TRUE(eventually([&] { return user_timeout_of_gateway(client) == 30s; }));
    EXPECT_TRUE(eventually([&] { return user_timeout_of_gateway(client) == 0s; }));
    client.send("x\n");
    EXPECT_EQ(client.receive_line(), "<x>");
  }
}

TEST_F(TimeoutsTest, WatchesOverALineToASilentClient) {
  timeouts().probes = kTimeLimit;
  timeouts().idle = 30s + 4 * kTimeLimit;
  config.idle_warning = "* still there?\n";
  start();
  auto client = greeted();
  EXPECT_TRUE(eventually([&] { return user_timeout_of_gateway(client) == 0s; }));
  EXPECT_EQ(client.receive_line(), "* still there?");
  EXPECT_EQ(user_timeout_of_gateway(client), 30s);
}

TEST_F(TimeoutsTest, WarnsAnIdleClientHalfAMinuteBefore) {
  timeouts().idle = 30s + kTimeLimit;
  config.idle_warning = "* still there?\n";
  start();
  const auto began = Clock::now();
  auto client = greeted();
  EXPECT_EQ(client.receive_line(), "* still there?");
  EXPECT_GE(Clock::now() - began, kTimeLimit);
  // Once for each silence.
  client.send("x\n");
  EXPECT_EQ(client.receive_line(), "<x>");
  EXPECT_EQ(client.receive_line(), "* still there?");
}

TEST_F(TimeoutsTest, IsSilentBeforeAnIdleTimeoutThatIsShorterThanItsWarning) {
  timeouts().idle = kTimeLimit;
  config.idle_warning = "* still there?\n";
  start();
  auto client = greeted();
  EXPECT_EQ(client.receive_line(), kEof);
}

}  // namespace
}  // namespace chatgate::integration
