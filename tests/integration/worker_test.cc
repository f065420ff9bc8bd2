#include "gateway_fixture.h"
#include "lone_worker.h"

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace chatgate::integration {
namespace {

struct Threads {
  std::uint32_t acceptors;
  std::uint32_t workers;
};

void PrintTo(const Threads& threads, std::ostream* out) {
  *out << threads.acceptors << " acceptors and " << threads.workers << " workers";
}

class ThreadsTest : public GatewayTest, public ::testing::WithParamInterface<Threads> {
 protected:
  ThreadsTest() {
    config.threads = {.acceptors = GetParam().acceptors, .workers = GetParam().workers};
  }

  double sessions_of(std::uint32_t worker) {
    return gateway().metric(fmt::format("chatgate_worker_connections{{worker=\"{}\"}}", worker));
  }
};

// One after the other: acceptors that decide in the same moment may see the same loads.
TEST_P(ThreadsTest, HandOverToTheWorkerWithTheFewestSessions) {
  start();
  std::vector<TestClient> clients;
  for (std::uint32_t i = 0; i < 4 * GetParam().workers; ++i) clients.push_back(greeted());
  for (std::uint32_t worker = 0; worker < GetParam().workers; ++worker) {
    EXPECT_EQ(sessions_of(worker), 4);
  }
}

TEST_P(ThreadsTest, AnswerEveryClient) {
  start();
  std::vector<TestClient> clients;
  for (int i = 0; i < 30; ++i) clients.push_back(gateway().connect());
  for (auto& client : clients) client.send("x\n");
  for (auto& client : clients) {
    EXPECT_EQ(client.receive_line(), "hello");
    EXPECT_EQ(client.receive_line(), "<x>");
  }
}

INSTANTIATE_TEST_SUITE_P(AnyNumber, ThreadsTest,
                         ::testing::Values(Threads{1, 1}, Threads{1, 3}, Threads{3, 1},
                                           Threads{3, 3}),
                         [](const auto& instance) {
                           return fmt::format("{}By{}", instance.param.acceptors,
                                              instance.param.workers);
                         });

TEST(StopTest, ResetsTheSessionsThatAreOpen) {
  support::TempDir dir;
  service::GatewayConfig config;
  config.listeners.front().address = endpoint("127.0.0.1:0");
  config.admin.address = "127.0.0.1:0";
  std::optional<TestGateway> gateway{std::in_place, config, dir.file("gateway.log")};
  auto idle = gateway->connect();
  idle.receive_line();
  auto unfinished = gateway->connect();
  unfinished.receive_line();
  unfinished.send("unfin");
  auto backlogged = gateway->connect({.receive_bytes = 4096});
  const auto lines = repeated(std::string(1000, 'x') + '\n', 100);
  EXPECT_TRUE(eventually([&] {
    backlogged.send_some(lines);
    return gateway->get("/connections").body.find("\"backlogged\"") != std::string::npos;
  }));
  gateway.reset();
  EXPECT_EQ(idle.receive_line(), kReset);
  EXPECT_EQ(unfinished.receive_line(), kReset);
  EXPECT_THAT(dir.read("gateway.log"), ::testing::HasSubstr("reason=drain_forced"));
}

TEST(LoneWorkerTest, EndsTheSessionsThatItHasWithItself) {
  LoneWorker worker;
  auto client = worker.hand_over_connection();
  EXPECT_EQ(client.receive_line(), "hello");
  client.send("x\n");
  EXPECT_EQ(client.receive_line(), "<x>");
  EXPECT_EQ(worker.load(), 1);
  worker.destroy();
  EXPECT_EQ(client.receive_line(), kEof);  // There is no RST on a Unix socket.
  EXPECT_THAT(worker.closed_reasons(), ::testing::ElementsAre("drain_forced"));
}

TEST(LoneWorkerTest, WelcomesArrivalsOnlyToEndThemWhenItIsDestroyedAtOnce) {
  LoneWorker worker;
  auto client = worker.hand_over_connection();
  worker.destroy();
  EXPECT_EQ(worker.closed_reasons().size(), 1U);
}

}  // namespace
}  // namespace chatgate::integration
