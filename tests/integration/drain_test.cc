#include "gateway_fixture.h"

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace chatgate::integration {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

class DrainTest : public GatewayTest {
 protected:
  double phase() { return gateway().metric("chatgate_drain_phase"); }

  service::DrainOptions& drain() { return config.drain; }
};

TEST_F(DrainTest, StopsAtOnceWithoutClients) {
  drain() = {.announce = 0s, .grace = 5s, .spread = 5s, .deadline = 20s, .linger = 2s};
  start();
  EXPECT_EQ(gateway().get("/readyz").status, 200);
  gateway().request_drain();
  EXPECT_TRUE(gateway().has_stopped_within(200ms));
}

TEST_F(DrainTest, StopsWhenTheLastClientLeaves) {
  drain().grace = 1h;
  drain().deadline = 2h;
  start();
  auto client = greeted();
  gateway().request_drain();
  EXPECT_FALSE(gateway().has_stopped_within(0ms));
  client.close();
  EXPECT_TRUE(gateway().has_stopped_within(support::kPatience));
  EXPECT_TRUE(ends_with("client_eof"));
}

TEST_F(DrainTest, ServesNewClientsWhileItAnnounces) {
  drain().announce = 1h;
  drain().deadline = 2h;
  start();
  gateway().request_drain();
  EXPECT_EQ(phase(), 1);
  EXPECT_EQ(gateway().get("/readyz").status, 503);
  auto client = greeted();
  client.send("x\n");
  EXPECT_EQ(client.receive_line(), "<x>");
}

TEST_F(DrainTest, CanBeTakenBackWhileItAnnounces) {
  drain().announce = 1h;
  drain().deadline = 2h;
  start();
  gateway().request_drain();
  EXPECT_TRUE(gateway().request_undrain());
  EXPECT_EQ(phase(), 0);
  EXPECT_EQ(gateway().get("/readyz").status, 200);
  greeted();
}

TEST_F(DrainTest, TellsWhetherItIsReadyAndHowMuchTimeIsLeft) {
  drain().announce = 1h;
  drain().deadline = 2h;
  start();
  EXPECT_EQ(gateway().metric("chatgate_ready"), 1);
  EXPECT_EQ(gateway().metric("chatgate_drain_remaining_seconds"), 0);
  const auto client = greeted();
  gateway().request_drain();
  EXPECT_EQ(gateway().metric("chatgate_ready"), 0);
  EXPECT_GT(gateway().metric("chatgate_drain_remaining_seconds"), 7000);
  EXPECT_LE(gateway().metric("chatgate_drain_remaining_seconds"), 7200);
  EXPECT_TRUE(gateway().request_undrain());
  EXPECT_EQ(gateway().metric("chatgate_ready"), 1);
  EXPECT_EQ(gateway().metric("chatgate_drain_remaining_seconds"), 0);
}

TEST_F(DrainTest, CanNotBeTakenBackOnceTheListenersAreClosed) {
  drain().grace = 1h;
  drain().deadline = 2h;
  start();
  const auto client = greeted();
  const auto port = gateway().port();
  gateway().request_drain();
  EXPECT_FALSE(gateway().request_undrain());
  EXPECT_THROW(TestClient{port}, std::runtime_error);
  EXPECT_EQ(gateway().get("/readyz").status, 503);
  EXPECT_EQ(gateway().metric("chatgate_drain_remaining_connections"), 1);
}

TEST_F(DrainTest, GoesThroughItsPhases) {
  drain() = {.announce = 200ms, .grace = 200ms, .spread = 200ms, .deadline = 30s, .linger = 2s};
  drain().notice = "* leaving\n";
  start();
  auto client = greeted();
  const auto port = gateway().port();
  gateway().request_drain();
  EXPECT_EQ(phase(), 1);
  EXPECT_EQ(client.receive_line(), "* leaving");
  EXPECT_THROW(TestClient{port}, std::runtime_error);
  client.send("x\n");
  EXPECT_EQ(client.receive_line(), "<x>");
  EXPECT_EQ(client.receive_line(), kEof);
  EXPECT_EQ(phase(), 4);
  client.close();
  EXPECT_TRUE(gateway().has_stopped_within(support::kPatience));
  EXPECT_TRUE(ends_with("drain"));
}

TEST_F(DrainTest, BeginsTheNoticeOnALineOfItsOwn) {
  drain() = {.announce = 0s, .grace = 0s, .spread = 0s, .deadline = 10s, .linger = 2s};
  drain().notice = "* leaving\n";
  service().greeting = "name? ";
  start();
  auto client = gateway().connect();
  EXPECT_EQ(client.receive_exactly(6), "name? ");
  gateway().request_drain();
  EXPECT_EQ(client.receive_until_eof(), "\n* leaving\n");
}

TEST_F(DrainTest, IsSilentWithoutANotice) {
  start();
  auto client = greeted();
  gateway().request_drain();
  EXPECT_EQ(client.receive_until_eof(), "");
}

TEST_F(DrainTest, GivesNoNoticeToAClientThatWasToldGoodbye) {
  drain() = {.announce = 0s, .grace = 10s, .spread = 0s, .deadline = 20s, .linger = 2s};
  drain().notice = "* leaving\n";
  service().quit_words = {"quit"};
  service().farewell = "goodbye\n";
  start();
  auto client = greeted();
  client.send("quit\n");
  EXPECT_EQ(client.receive_until_eof(), "goodbye\n");
  gateway().request_drain();
  // It still lingers, so that what it sends late is no reason to reset it.
  EXPECT_TRUE(client.send("late\n"));
  EXPECT_EQ(gateway().metric("chatgate_drain_remaining_connections"), 1);
  EXPECT_TRUE(client.send("late\n"));
  EXPECT_EQ(gateway().metric("chatgate_drain_remaining_connections"), 1);
}

TEST_F(DrainTest, AnswersTheUnfinishedLineOnlyWhenItsEndCame) {
  start();
  auto client = greeted();
  client.send("one\ntwo\nunfin");
  EXPECT_EQ(client.receive_line(), "<one>");
  gateway().request_drain();
  EXPECT_EQ(client.receive_until_eof(), "<two>\n");
}

TEST_F(DrainTest, HurriesAtTheSecondRequest) {
  drain() = {.announce = 1h, .grace = 1h, .spread = 1h, .deadline = 4h, .linger = 2s};
  drain().notice.clear();
  start();
  auto client = greeted();
  gateway().request_drain();
  gateway().request_drain();
  EXPECT_EQ(client.receive_line(), kEof);
  EXPECT_EQ(phase(), 5);
  EXPECT_LE(gateway().metric("chatgate_drain_remaining_seconds"), 2);
  client.close();
  EXPECT_TRUE(gateway().has_stopped_within(support::kPatience));
  EXPECT_TRUE(ends_with("drain"));
}

TEST_F(DrainTest, ResetsWhoIsLeftAtTheDeadline) {
  drain().deadline = 600ms;
  drain().linger = 300ms;
  start();
  auto stubborn = greeted();
  const auto began = Clock::now();
  gateway().request_drain();
  EXPECT_TRUE(gateway().has_stopped_within(support::kPatience));
  EXPECT_GE(Clock::now() - began, 600ms);
  EXPECT_TRUE(ends_with("drain_forced"));
}

TEST_F(DrainTest, ServesWhoIsFoundInTheAcceptQueue) {
  drain() = {.announce = 0s, .grace = 10s, .spread = 0s, .deadline = 20s, .linger = 2s};
  drain().notice = "* leaving\n";
  config.threads.acceptors = 4;
  start();
  std::vector<TestClient> clients;
  for (int i = 0; i < 50; ++i) clients.push_back(gateway().connect());
  gateway().request_drain();
  for (auto& client : clients) {
    EXPECT_EQ(client.receive_line(), "hello");
    client.send("x\n");
    auto answer = client.receive_line();
    // Who was accepted before the notice went out reads it first.
    if (answer == "* leaving") answer = client.receive_line();
    EXPECT_EQ(answer, "<x>");
  }
}

TEST_F(DrainTest, AnswersEveryMessageOfBusyClientsWhoseEndItRead) {
  constexpr int kClients = 8;
  drain() = {.announce = 0s, .grace = 50ms, .spread = 300ms, .deadline = 20s, .linger = 2s};
  drain().notice.clear();
  start();
  std::atomic<long> replies{0};
  std::atomic<int> ended{0};
  std::vector<std::thread> running;
  std::atomic<int> talking{0};
  for (int i = 0; i < kClients; ++i) {
    running.emplace_back([&] {
      auto client = greeted();
      ++talking;
      // Ten messages ahead of their replies, in order, until the gateway says no more.
      for (int sent = 0, read = 0;; ++read) {
        for (; sent < read + 10; ++sent) client.send(fmt::format("{}\n", sent));
        const auto line = client.receive_line();
        if (line != fmt::format("<{}>", read)) {
          if (line == kEof) ++ended;
          replies += read;
          return;
        }
      }
    });
  }
  EXPECT_TRUE(eventually([&] { return talking == kClients; }));
  gateway().request_drain();
  for (auto& thread : running) thread.join();
  EXPECT_EQ(ended, kClients);
  EXPECT_TRUE(ends_with("drain", kClients));
  EXPECT_EQ(gateway().metric("chatgate_messages_received_total{listener=\"public\"}"), replies);
  EXPECT_TRUE(gateway().has_stopped_within(support::kPatience));
}

TEST_F(DrainTest, BeginsByItselfAfterSoManySessions) {
  config.limits.exit_after = 2;
  start();
  greeted();
  EXPECT_FALSE(gateway().has_stopped_within(0ms));
  greeted();
  EXPECT_TRUE(gateway().has_stopped_within(support::kPatience));
}

TEST_F(DrainTest, IsControlledOverHttp) {
  drain().announce = 1h;
  drain().deadline = 2h;
  start();
  EXPECT_EQ(gateway().post("/undrain").status, 409);
  EXPECT_EQ(gateway().post("/drain").status, 200);
  EXPECT_TRUE(eventually([&] { return gateway().get("/readyz").status == 503; }));
  EXPECT_EQ(gateway().post("/undrain").status, 200);
  EXPECT_EQ(gateway().get("/readyz").status, 200);
}

}  // namespace
}  // namespace chatgate::integration
