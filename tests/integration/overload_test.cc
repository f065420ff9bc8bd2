#include "gateway_fixture.h"

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <chatgate/support/metrics_text.h>

namespace chatgate::integration {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kFirstMessage = 300ms;

// What a machine that is busy may take longer than a tick.
constexpr auto kSeenLatest = 2s;

class OverloadTest : public GatewayTest {
 protected:
  OverloadTest() {
    overload().timeouts = {.first_message = kFirstMessage, .idle = 0s, .line = 0s, .write = 0s};
  }

  service::OverloadConfig& overload() { return config.overload; }
  admission::LimitOptions& limits() { return config.limits.admission; }

  void force() { EXPECT_EQ(gateway().post("/overload/force").status, 200); }
  void release() { EXPECT_EQ(gateway().post("/overload/release").status, 200); }
  double level() { return gateway().metric("chatgate_overload_state"); }
  bool is_caused_by(const std::string& cause) {
    return gateway().metric(fmt::format("chatgate_overload_cause{{cause=\"{}\"}}", cause)) == 1;
  }
  bool reaches(double wanted) {
    return eventually([&] { return level() == wanted; });
  }

  TestClient talking() {
    auto client = greeted();
    EXPECT_TRUE(talks(client));
    return client;
  }
  static bool talks(TestClient& client) {
    client.send("x\n");
    return client.receive_line() == "<x>";
  }
  std::vector<TestClient> crowd(int count) {
    std::vector<TestClient> clients;
    for (int i = 0; i < count; ++i) clients.push_back(talking());
    return clients;
  }

  // Of so many who come one after the other, and leave again, how many are refused.
  int refused(int tries) {
    const auto before = gateway().open();
    int count = 0;
    for (int i = 0; i < tries; ++i) {
      {
        auto client = gateway().connect();
        const auto line = client.receive_line();
        if (line != "hello") {
          EXPECT_THAT(line, StartsWith("421 too many connections, try again later ["));
          ++count;
        }
      }
      EXPECT_TRUE(eventually([&] { return gateway().open() == before; }));
    }
    return count;
  }

  int lines_with(const std::string& text) const {
    const auto all = log();
    int count = 0;
    for (auto at = all.find(text); at != all.npos; at = all.find(text, at + 1)) ++count;
    return count;
  }
};

TEST_F(OverloadTest, IsForcedAndReleasedByAnOperator) {
  start();
  EXPECT_EQ(level(), 0);
  EXPECT_EQ(gateway().post("/overload/release").status, 409);
  force();
  EXPECT_EQ(level(), 1);
  EXPECT_TRUE(is_caused_by("operator"));
  EXPECT_THAT(gateway().get("/status").body, HasSubstr("\"cause\": \"operator\""));
  EXPECT_TRUE(reaches(2));
  release();
  EXPECT_EQ(level(), 0);
  EXPECT_FALSE(is_caused_by("operator"));
  EXPECT_EQ(gateway().get("/readyz").status, 200);
}

TEST_F(OverloadTest, IsToldInOneLineATransition) {
  start();
  force();
  force();
  EXPECT_TRUE(reaches(2));
  release();
  EXPECT_TRUE(eventually([&] { return lines_with("event=overload_ended") == 1; }));
  EXPECT_EQ(lines_with("event=overload_began cause=operator mode=enforce"), 1);
  EXPECT_EQ(lines_with("event=overload_lasts cause=operator"), 1);
}

TEST_F(OverloadTest, EndsThoseWhoHaveSaidNothingAndNobodyElse) {
  start();
  auto talker = talking();
  auto mute = greeted();
  auto trickler = greeted();
  trickler.send("not yet a li");
  const auto began = Clock::now();
  force();
  EXPECT_EQ(mute.receive_line(), kEof);
  EXPECT_EQ(trickler.receive_line(), kEof);
  // They may have been here for nearly as long before.
  EXPECT_LT(Clock::now() - began, kFirstMessage + kSeenLatest);
  mute.close();
  trickler.close();
  EXPECT_TRUE(ends_with("first_message_timeout", 2));
  EXPECT_TRUE(reaches(2));
  EXPECT_TRUE(talks(talker));
}

TEST_F(OverloadTest, GivesNewcomersTheirWholeTime) {
  start();
  force();
  const auto came = Clock::now();
  auto mute = greeted();
  EXPECT_EQ(mute.receive_line(), kEof);
  EXPECT_GE(Clock::now() - came, kFirstMessage);
  auto talker = talking();
  EXPECT_FALSE(eventually([&] { return gateway().ended("first_message_timeout") > 1; }, 600ms));
  EXPECT_TRUE(talks(talker));
}

TEST_F(OverloadTest, EndsTheSilentOnlyAfterThoseWhoHaveSaidNothing) {
  overload().timeouts.idle = kFirstMessage;
  start();
  auto silent = talking();
  // By now the silence is as long as an overload permits.
  EXPECT_FALSE(eventually([&] { return gateway().open() == 0; }, kFirstMessage + 100ms));
  std::thread reader{[&] {
    EXPECT_EQ(silent.receive_line(), kEof);
    silent.close();
  }};
  auto mute = greeted();
  force();
  EXPECT_EQ(mute.receive_line(), kEof);
  mute.close();
  EXPECT_TRUE(eventually([&] {
    // The level comes later in the text, and never falls here: it cannot have been higher before.
    const auto text = gateway().metrics();
    const auto silent_ends = support::metric(
        text, "chatgate_connections_closed_total{listener=\"public\",reason=\"idle_timeout\"}");
    if (silent_ends == 1) EXPECT_EQ(support::metric(text, "chatgate_overload_state"), 2);
    return silent_ends == 1;
  }));
  reader.join();
  EXPECT_TRUE(ends_with("first_message_timeout"));
}

TEST_F(OverloadTest, HurriesUnfinishedLinesAndSlowReaders) {
  overload().timeouts.line = overload().timeouts.write = kFirstMessage;
  service().max_message = base::Bytes{16 << 10};
  start();
  auto unfinished = talking();
  unfinished.send("not yet a li");
  auto slow = gateway().connect({.receive_bytes = 4096});
  const auto line = std::string(12 << 10, 'x') + '\n';
  EXPECT_TRUE(eventually([&] {
    slow.send_some(line);
    return gateway().metric("chatgate_output_queued_bytes") > 0;
  }));
  force();
  EXPECT_EQ(unfinished.receive_line(), kEof);
  EXPECT_TRUE(ends_with("line_timeout"));
  EXPECT_TRUE(ends_with("write_timeout"));
}

TEST_F(OverloadTest, GivesEverybodyTheirTimeBackWhenItEnds) {
  start();
  force();
  auto mute = greeted();
  release();
  EXPECT_FALSE(eventually([&] { return gateway().open() == 0; }, 2 * kFirstMessage));
  EXPECT_TRUE(talks(mute));
}

TEST_F(OverloadTest, HurriesACrowdAtOnce) {
  start();
  const auto talkers = crowd(20);
  std::vector<TestClient> mutes;
  for (int i = 0; i < 200; ++i) mutes.push_back(greeted());
  force();
  for (auto& mute : mutes) EXPECT_EQ(mute.receive_line(), kEof);
  mutes.clear();
  EXPECT_TRUE(ends_with("first_message_timeout", 200));
  EXPECT_EQ(gateway().open(), 20);
}

TEST_F(OverloadTest, BeginsWhenEveryPlaceIsTakenAndMakesRoom) {
  limits().max_connections = 20;
  start();
  const auto talkers = crowd(10);
  std::vector<TestClient> mutes;
  for (int i = 0; i < 10; ++i) mutes.push_back(greeted());
  EXPECT_TRUE(reaches(1));
  EXPECT_TRUE(is_caused_by("connections"));
  for (auto& mute : mutes) EXPECT_EQ(mute.receive_line(), kEof);
  mutes.clear();
  EXPECT_TRUE(eventually([&] { return gateway().open() == 10; }));
  auto newcomer = talking();
  EXPECT_EQ(gateway().ended("overload"), 0);
}

TEST_F(OverloadTest, RefusesNewcomersAtRandomWhenFewPlacesAreLeft) {
  limits().max_connections = 20;
  start();
  const auto talkers = crowd(18);
  EXPECT_EQ(refused(10), 0);
  force();
  // Each with a chance of one half: that all or none of 40 are is less likely than a broken
  // machine.
  const int count = refused(40);
  EXPECT_GT(count, 0);
  EXPECT_LT(count, 40);
  EXPECT_TRUE(ends_with("overload", count));
  release();
  EXPECT_EQ(refused(10), 0);
}

TEST_F(OverloadTest, RefusesNobodyEarlyWhereClientsWaitForAPlace) {
  limits().max_connections = 20;
  config.limits.over_limit = service::OverLimit::Backlog;
  start();
  const auto talkers = crowd(19);
  force();
  EXPECT_EQ(refused(30), 0);
}

TEST_F(OverloadTest, RefusesEverybodyWhenTheMemoryIsUsedUpAndKeepsThoseWhoTalk) {
  dir.write(
      "chatgate.yaml",
      fmt::format("listeners: [{{name: public, address: \"127.0.0.1:0\"}}]\n"
                  "services: {{greeter: {{greeting: \"hello\\n\", reply: \"<{{message}}>\\n\"}}}}\n"
                  "admin: {{address: \"127.0.0.1:0\"}}\n"
                  "log: {{output: \"file:{}\"}}\n",
                  dir.file("gateway.log")));
  start_from_file();
  auto talker = talking();
  const auto text = dir.read("chatgate.yaml");
  dir.write("chatgate.yaml", text + "overload: {memory: 1MiB}\n");
  EXPECT_EQ(gateway().post("/reload").status, 200);
  EXPECT_TRUE(reaches(1));
  EXPECT_TRUE(is_caused_by("memory"));
  EXPECT_EQ(gateway().metric("chatgate_memory_budget_bytes"), 1 << 20);
  EXPECT_GT(gateway().metric("chatgate_memory_used_bytes"), 1 << 20);
  EXPECT_EQ(refused(5), 5);
  EXPECT_TRUE(ends_with("memory", 5));
  EXPECT_TRUE(talks(talker));
  dir.write("chatgate.yaml", text + "overload: {memory: 1MiB, mode: off}\n");
  EXPECT_EQ(gateway().post("/reload").status, 200);
  EXPECT_TRUE(reaches(0));
  EXPECT_EQ(refused(5), 0);
  EXPECT_EQ(gateway().post("/overload/force").status, 409);
}

TEST_F(OverloadTest, OnlyCountsWhenObserving) {
  overload().mode = admission::Mode::Observe;
  overload().memory = base::Bytes{1 << 20};
  start();
  EXPECT_TRUE(reaches(1));
  auto mute = greeted();
  auto talker = talking();
  EXPECT_EQ(gateway().metric("chatgate_would_reject_total{reason=\"memory\"}"), 2);
  EXPECT_TRUE(reaches(2));
  EXPECT_FALSE(eventually([&] { return gateway().open() < 2; }, 2 * kFirstMessage));
  EXPECT_TRUE(talks(mute));
  EXPECT_THAT(log(), HasSubstr("event=overload_began cause=memory mode=observe"));
}

TEST_F(OverloadTest, TakesNoPenaltyFromThoseWhoTalk) {
  limits().per_source.exempt.clear();
  start();
  auto talker = talking();
  force();
  EXPECT_TRUE(reaches(2));
  EXPECT_THAT(gateway().get("/penalties").body, Not(HasSubstr("127.0.0.1")));
}

}  // namespace
}  // namespace chatgate::integration
