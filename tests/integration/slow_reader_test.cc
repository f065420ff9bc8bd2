#include "gateway_fixture.h"

#include <chrono>
#include <string>
#include <utility>

#include <gmock/gmock.h>

namespace chatgate::integration {
namespace {

using base::Bytes;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// Each reply is so long; a client that reads none soon has many waiting for it.
constexpr std::size_t kReplyBytes = 8 << 10;

class SlowReaderTest : public GatewayTest {
 protected:
  SlowReaderTest() {
    config.threads.workers = 1;
    service().reply = std::string(kReplyBytes - 1, 'x') + "\n";
  }

  session::OutputOptions& output() { return config.output; }

  TestClient slow_client() { return greeted({.receive_bytes = 4096}); }

  bool is_backlogged() {
    return gateway().get("/connections").body.find("\"backlogged\"") != std::string::npos;
  }

  double messages() {
    return gateway().metric("chatgate_messages_received_total{listener=\"public\"}");
  }

  // Sends messages until the gateway reads no more of them. Returns how many were sent.
  int send_until_backlogged(TestClient& client) {
    int sent = 0;
    double read = -1;
    // While the kernel still takes replies, the gateway reads on now and then.
    EXPECT_TRUE(eventually([&] {
      for (int i = 0; i < 64; ++i) sent += client.send_some("m\n") == 2 ? 1 : 0;
      return std::exchange(read, messages()) == read && read < sent && is_backlogged();
    }));
    return sent;
  }
};

TEST_F(SlowReaderTest, ReadsNoMoreFromAClientAboveSoftAndLosesNothing) {
  output().soft = Bytes{32 << 10};
  start();
  auto client = slow_client();
  const int sent = send_until_backlogged(client);
  EXPECT_LE(gateway().metric("chatgate_output_queued_bytes"), (32 << 10) + kReplyBytes);
  const auto before = messages();
  client.send("m\nm\n");
  client.shutdown_write();
  // It reads on when half of what waited is gone, and so all is answered in the end.
  const std::string reply(kReplyBytes - 1, 'x');
  for (int i = 0; i < sent + 2; ++i) ASSERT_EQ(client.receive_line(), reply);
  EXPECT_EQ(client.receive_line(), kEof);
  EXPECT_GT(messages(), before);
  EXPECT_EQ(messages(), sent + 2);
  EXPECT_EQ(gateway().metric("chatgate_output_queued_bytes"), 0);
}

TEST_F(SlowReaderTest, EndsAClientThatStaysAboveSoft) {
  output().soft = Bytes{4 << 10};
  output().soft_time = 300ms;
  start();
  auto client = slow_client();
  const auto began = Clock::now();
  client.send(repeated("m\n", 5000));
  EXPECT_TRUE(ends_with("slow_soft"));
  EXPECT_GE(Clock::now() - began, 300ms);
}

TEST_F(SlowReaderTest, CountsNoMoreWhatALeavingClientWillNotGet) {
  output().soft = Bytes{4 << 10};
  output().soft_time = 300ms;
  start();
  auto client = slow_client();
  client.send(repeated("m\n", 5000));
  EXPECT_TRUE(eventually(
      [&] { return gateway().get("/connections").body.find("\"leaving\"") != std::string::npos; }));
  // It lingers on, but nothing waits for it; the budget is there for those who stay.
  EXPECT_EQ(gateway().metric("chatgate_output_queued_bytes"), 0);
  EXPECT_EQ(gateway().open(), 1);
}

TEST_F(SlowReaderTest, KeepsAClientThatGoesBelowSoftInTime) {
  output().soft = Bytes{32 << 10};
  output().soft_time = 1s;
  start();
  auto client = slow_client();
  const int sent = send_until_backlogged(client);
  client.receive_exactly(static_cast<std::size_t>(sent) * kReplyBytes);
  EXPECT_FALSE(eventually([&] { return gateway().ended("slow_soft") > 0; }, 1200ms));
  client.send("m\n");
  EXPECT_EQ(client.receive_line().size(), kReplyBytes - 1);
}

TEST_F(SlowReaderTest, ResetsAClientAboveHard) {
  output().soft = output().hard = Bytes{10 << 10};
  start();
  auto client = slow_client();
  // All at once: a later send would take note of the reset in place of the receive below.
  client.send(repeated("m\n", 5000));
  EXPECT_TRUE(ends_with("slow_hard"));
  EXPECT_THAT(client.receive_until_eof(), ::testing::EndsWith(kReset));
}

TEST_F(SlowReaderTest, EndsTheOneWithTheMostWhenAllTogetherHaveTooMuch) {
  output().soft = output().hard = Bytes{4 << 20};
  output().budget = Bytes{256 << 10};
  start();
  auto modest = slow_client();
  int asked = 0;
  EXPECT_TRUE(eventually([&] {
    asked += modest.send_some("m\n") == 2 ? 1 : 0;
    return gateway().metric("chatgate_output_queued_bytes") > 0;
  }));
  auto greedy = slow_client();
  greedy.send(repeated("m\n", 5000));
  EXPECT_TRUE(ends_with("slow_hard"));
  EXPECT_EQ(gateway().metric("chatgate_output_evictions_total"), 1);
  EXPECT_THAT(greedy.receive_until_eof(), ::testing::EndsWith(kReset));
  const std::string reply(kReplyBytes - 1, 'x');
  for (int i = 0; i < asked; ++i) ASSERT_EQ(modest.receive_line(), reply);
}

TEST_F(SlowReaderTest, DelaysNobodyElse) {
  start();
  auto slow = slow_client();
  send_until_backlogged(slow);
  auto client = greeted();
  for (int i = 0; i < 100; ++i) {
    client.send("m\n");
    ASSERT_EQ(client.receive_line().size(), kReplyBytes - 1);
  }
  EXPECT_TRUE(is_backlogged());
}

}  // namespace
}  // namespace chatgate::integration
