#include "gateway_fixture.h"

#include <atomic>
#include <barrier>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace chatgate::integration {
namespace {

using service::OverLimit;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr int kThreads = 64;

// Runs `work` on so many threads at the same time, and waits for all.
template <class Work>
void in_parallel(int threads, Work work) {
  std::vector<std::thread> running;
  for (int i = 0; i < threads; ++i) running.emplace_back(work);
  for (auto& thread : running) thread.join();
}

// The id in `421 too many connections, try again later [id]`.
std::string id_of(const std::string& refusal) {
  const auto from = refusal.find('[') + 1;
  return refusal.substr(from, refusal.find(']') - from);
}

class LimitsTest : public GatewayTest {
 protected:
  LimitsTest() { limits().max_connections = 1; }

  admission::LimitOptions& limits() { return config.limits.admission; }
  admission::PerSourceOptions& per_source() { return limits().per_source; }

  // A connection that is refused, and the line that it reads.
  std::string refusal() {
    auto client = gateway().connect();
    auto line = client.receive_line();
    EXPECT_EQ(client.receive_line(), kEof);
    return line;
  }

  // A new client is greeted as soon as the gateway has counted one out.
  bool lets_one_in() {
    return eventually([&] {
      auto client = gateway().connect();
      return client.receive_line() == "hello";
    });
  }
};

class ManyAcceptorsTest : public LimitsTest {
 protected:
  ManyAcceptorsTest() {
    limits().max_connections = 50;
    config.threads = {.acceptors = 4, .workers = 4};
  }
};

TEST_F(ManyAcceptorsTest, LetsInExactlyAsManyAsTheLimitSays) {
  start();
  std::atomic<int> greeted{0};
  std::atomic<int> refused{0};
  std::barrier all_have_read{kThreads};
  in_parallel(kThreads, [&] {
    auto client = gateway().connect();
    client.send(std::string(20'000, 'x'));
    const auto line = client.receive_line();
    if (line == "hello") ++greeted;
    if (line.starts_with("421 too many connections") && client.receive_line() == kEof) ++refused;
    all_have_read.arrive_and_wait();
  });
  EXPECT_EQ(greeted, 50);
  EXPECT_EQ(refused, kThreads - 50);
  EXPECT_TRUE(ends_with("limit_global", kThreads - 50));
}

TEST_F(ManyAcceptorsTest, NeverHasOneMoreWhileClientsComeAndGo) {
  start();
  std::atomic<int> open{0};
  std::atomic<int> most{0};
  std::atomic<int> greeted{0};
  in_parallel(kThreads, [&] {
    for (int round = 0; round < 30; ++round) {
      auto client = gateway().connect();
      if (client.receive_line() != "hello") continue;
      ++greeted;
      // A client's own count may lag behind the gateway's, never run ahead of it.
      const int now = ++open;
      for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
      }
      client.send("x\n");
      client.receive_line();
      --open;
    }
  });
  EXPECT_LE(most, 50);
  EXPECT_GE(greeted, 50);
}

TEST_F(LimitsTest, TellsARefusedClientWhyAlthoughItSentALot) {
  start();
  const auto first = greeted();
  auto client = gateway().connect();
  client.send(std::string(20'000, 'x'));
  const auto line = client.receive_line();
  EXPECT_THAT(line, ::testing::MatchesRegex("421 too many connections, try again later \\[2\\]"));
  EXPECT_EQ(client.receive_line(), kEof);
}

TEST_F(LimitsTest, ShowsTheIdThatARefusedClientWasToldInLogAndList) {
  start();
  const auto first = greeted();
  const auto id = id_of(refusal());
  EXPECT_THAT(gateway().get("/connections/closed").body,
              HasSubstr(fmt::format("\"id\":{},\"listener\":\"public\"", id)));
  EXPECT_TRUE(eventually([&] {
    return log().find(fmt::format("event=connection_refused id={} ", id)) != std::string::npos;
  }));
}

TEST_F(LimitsTest, LetsTheNextOneInWhenOneHasLeft) {
  start();
  {
    const auto first = greeted();
    EXPECT_THAT(refusal(), StartsWith("421 "));
  }
  EXPECT_TRUE(lets_one_in());
}

TEST_F(LimitsTest, CountsAListenerOfItsOwn) {
  limits().max_connections = 10;
  listener().limits.max_connections = 1;
  auto other = listener();
  other.name = "other";
  config.listeners.push_back(other);
  start();
  const auto first = greeted();
  EXPECT_THAT(refusal(), StartsWith("421 "));
  TestClient elsewhere{gateway().port("other")};
  EXPECT_EQ(elsewhere.receive_line(), "hello");
  EXPECT_EQ(gateway().metric("chatgate_connections_limit{listener=\"public\"}"), 1);
  EXPECT_EQ(gateway().metric("chatgate_connections_open{listener=\"other\"}"), 1);
}

TEST_F(LimitsTest, CountsTheConnectionsOfOneSource) {
  limits().max_connections = 10;
  per_source().exempt.clear();
  per_source().max = 1;
  start();
  {
    const auto first = greeted();
    EXPECT_THAT(refusal(), StartsWith("421 "));
    EXPECT_TRUE(ends_with("limit_source_count"));
    greeted({.source = "127.0.0.9"});
  }
  EXPECT_TRUE(lets_one_in());
}

TEST_F(LimitsTest, CountsHowFastOneSourceComes) {
  limits().max_connections = 10;
  per_source().exempt.clear();
  per_source().rate = base::Rate{0.001};
  per_source().burst = 2;
  start();
  greeted();
  greeted();
  EXPECT_THAT(refusal(), StartsWith("421 "));
  EXPECT_TRUE(ends_with("limit_source_rate"));
  greeted({.source = "127.0.0.9"});
}

TEST_F(LimitsTest, ExemptsLoopbackFromTheLimitsOfASource) {
  limits().max_connections = 10;
  per_source().max = 1;
  start();
  const auto first = greeted();
  greeted();
}

TEST_F(LimitsTest, OnlyCountsWhatItWouldRefuseInModeObserve) {
  limits().mode = admission::Mode::Observe;
  start();
  const auto first = greeted();
  const auto second = greeted();
  EXPECT_EQ(gateway().metric("chatgate_would_reject_total{reason=\"limit_global\"}"), 1);
  EXPECT_EQ(gateway().ended("limit_global"), 0);
}

TEST_F(LimitsTest, LimitsNobodyInModeOff) {
  limits().mode = admission::Mode::Off;
  start();
  const auto first = greeted();
  const auto second = greeted();
  EXPECT_EQ(gateway().metric("chatgate_would_reject_total{reason=\"limit_global\"}"), 0);
}

TEST_F(LimitsTest, KeepsClientsWaitingInTheBacklogWhenToldTo) {
  config.limits.over_limit = OverLimit::Backlog;
  start();
  auto first = greeted();
  auto second = gateway().connect();
  auto third = gateway().connect();
  ASSERT_TRUE(
      eventually([&] { return gateway().metric("chatgate_accept_paused_seconds_total") > 0; }));
  EXPECT_EQ(gateway().open(), 1);
  first.close();
  EXPECT_EQ(second.receive_line(), "hello");
  second.close();
  EXPECT_EQ(third.receive_line(), "hello");
}

TEST_F(ManyAcceptorsTest, GreetsEverybodyInTurnFromTheBacklogs) {
  config.limits.over_limit = OverLimit::Backlog;
  limits().max_connections = 5;
  start();
  std::atomic<int> open{0};
  std::atomic<int> greeted{0};
  std::atomic<bool> is_exact{true};
  in_parallel(kThreads, [&] {
    auto client = gateway().connect();
    if (client.receive_line() != "hello") return;
    if (++open > 5) is_exact = false;
    ++greeted;
    client.send("x\n");
    client.receive_line();
    --open;
  });
  EXPECT_EQ(greeted, kThreads);
  EXPECT_TRUE(is_exact);
  EXPECT_EQ(gateway().metric(
                "chatgate_connections_rejected_total{listener=\"public\",reason=\"limit_global\"}"),
            0);
}

TEST_F(LimitsTest, ResetsWhomItRefusesWhenToldTo) {
  config.limits.over_limit = OverLimit::Reset;
  start();
  const auto first = greeted();
  auto second = gateway().connect();
  EXPECT_EQ(second.receive_line(), kReset);
  EXPECT_TRUE(ends_with("limit_global"));
}

TEST_F(LimitsTest, GreetsOverIpv6) {
  listener().address = endpoint("[::1]:0");
  start();
  TestClient client{"::1", gateway().port()};
  EXPECT_EQ(client.receive_line(), "hello");
  EXPECT_THAT(gateway().get("/connections").body,
              HasSubstr(fmt::format("\"peer\":\"{}\"", client.local_address())));
}

TEST_F(LimitsTest, ServesBothFamiliesOnADualStackListener) {
  limits().max_connections = 2;
  listener().address = endpoint("[::]:0");
  start();
  TestClient v6{"::1", gateway().port()};
  EXPECT_EQ(v6.receive_line(), "hello");
  TestClient v4{"127.0.0.1", gateway().port()};
  EXPECT_EQ(v4.receive_line(), "hello");
}

TEST_F(LimitsTest, GreetsOverAUnixSocketThatGoesAwayWithTheGateway) {
  const auto path = dir.file("chatgate.sock");
  listener().address = endpoint("unix:" + path);
  start();
  {
    auto client = TestClient::to_unix(path);
    EXPECT_EQ(client.receive_line(), "hello");
    auto refused = TestClient::to_unix(path);
    EXPECT_THAT(refused.receive_line(), StartsWith("421 "));
  }
  gateway().request_drain();
  EXPECT_TRUE(gateway().has_stopped_within(support::kPatience));
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(LimitsTest, DoesNotCountTheAdminEndpoint) {
  start();
  const auto first = greeted();
  EXPECT_EQ(gateway().get("/readyz").status, 200);
}

}  // namespace
}  // namespace chatgate::integration
