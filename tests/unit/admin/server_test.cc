#include "fake_backend.h"
#include "http_client.h"

#include <ostream>
#include <stdexcept>
#include <system_error>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <chatgate/admin/server.h>

namespace chatgate::admin {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ServerTest : public ::testing::Test {
 protected:
  Answer get(const std::string& target) { return admin::get(server_.port(), target); }

  std::vector<int> ids(const std::string& target) {
    std::vector<int> ids;
    const auto list = json::parse(get(target).body);
    for (const auto& row : list.at("connections")) ids.push_back(row.at("id").get<int>());
    return ids;
  }

  FakeBackend backend_;
  Server server_{{.address = "127.0.0.1:0", .token_file = ""}, backend_};
};

TEST_F(ServerTest, ServesMetricsAsPrometheusText) {
  const auto answer = get("/metrics");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(answer.body, "chatgate_connections_open 3\n");
}

TEST_F(ServerTest, ForbidsCachingAndGuessingOfTypesAndClosesEachConnection) {
  const auto answer = get("/status");
  EXPECT_EQ(answer.header("Cache-Control"), "no-store");
  EXPECT_EQ(answer.header("X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(answer.header("Connection"), "close");
  EXPECT_EQ(answer.header("Content-Length"), std::to_string(answer.body.size()));
}

TEST_F(ServerTest, AnswersHeadLikeGetWithoutTheBody) {
  const auto head = request(server_.port(), "HEAD", "/metrics");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.header("Content-Length"), std::to_string(get("/metrics").body.size()));
  EXPECT_EQ(head.body, "");
}

TEST_F(ServerTest, IsAliveUntilAThreadIsStuck) {
  EXPECT_EQ(get("/livez").status, 200);
  backend_.liveness = {false, "worker-1 has not advanced for 12s"};
  const auto stuck = get("/livez");
  EXPECT_EQ(stuck.status, 503);
  EXPECT_EQ(stuck.body, "worker-1 has not advanced for 12s\n");
}

TEST_F(ServerTest, IsReadyUntilItDrains) {
  EXPECT_EQ(get("/readyz").status, 200);
  backend_.readiness = {false, "draining"};
  const auto draining = get("/readyz");
  EXPECT_EQ(draining.status, 503);
  EXPECT_EQ(draining.body, "draining\n");
}

TEST_F(ServerTest, ReportsTheStatus) {
  auto& report = backend_.report;
  report.version = "0.1.0";
  report.pid = 42;
  report.started_at = WallTime{1714564800s};
  report.uptime = 1500ms;
  report.state = "ready";
  report.connections_open = 3;
  report.connections_limit = 10'000;
  report.listeners = {{"public", "[::]:1935", 3, 10'000}};
  report.workers = {{0, 2, 0.25}, {1, 1, 0.5}};
  report.config_file = "chatgate.yaml";
  report.last_reload = {WallTime{1714564801s}, {ReloadResult::Outcome::Applied, {"output"}, {}}};

  const auto status = json::parse(get("/status").body);
  EXPECT_EQ(status.at("started_at"), "2024-05-01T12:00:00.000Z");
  EXPECT_EQ(status.at("uptime_seconds"), 1.5);
  EXPECT_EQ(status.at("connections").at("limit"), 10'000);
  EXPECT_EQ(status.at("listeners").at(0).at("name"), "public");
  EXPECT_EQ(status.at("workers").at(1).at("busy_ratio"), 0.5);
  EXPECT_EQ(status.at("config").at("last_reload").at("outcome"), "applied");
}

TEST_F(ServerTest, ShowsNoReloadBeforeTheFirst) {
  EXPECT_TRUE(json::parse(get("/status").body).at("config").at("last_reload").is_null());
}

TEST_F(ServerTest, ListsPenaltiesWithTheLongestFirst) {
  using namespace std::chrono_literals;
  backend_.penalized = {{"192.0.2.1/32", 2s, false, 1}, {"2001:db8::/64", 90500ms, true, 0}};
  const auto all = json::parse(get("/penalties").body).at("penalties");
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(
      all.at(0),
      (json{{"source", "2001:db8::/64"}, {"left", 90.5}, {"refused", true}, {"connections", 0}}));
  const auto free = json::parse(get("/penalties?filter=refused=false").body).at("penalties");
  ASSERT_EQ(free.size(), 1U);
  EXPECT_EQ(free.at(0).at("source"), "192.0.2.1/32");
}

TEST_F(ServerTest, ListsConnectionsSortedAndFiltered) {
  EXPECT_THAT(ids("/connections"), ElementsAre(7, 8, 9));
  EXPECT_THAT(ids("/connections?sort=-age"), ElementsAre(9, 7, 8));
  EXPECT_THAT(ids("/connections?sort=age&limit=1"), ElementsAre(8));
  EXPECT_THAT(ids("/connections?filter=peer=10.0.0.0/8,age%3E60"), ElementsAre(7));
  EXPECT_THAT(ids("/connections?filter=peer=10.0.0.0/8&filter=worker%3D1"), ElementsAre(8));
}

TEST_F(ServerTest, CountsWhatAListLeavesOut) {
  backend_.open.complete = false;
  const auto list = json::parse(get("/connections?limit=2").body);
  EXPECT_EQ(list.at("shown"), 2);
  EXPECT_EQ(list.at("matched"), 3);
  EXPECT_EQ(list.at("complete"), false);
}

TEST_F(ServerTest, ListsNobodyAsAnEmptyArray) {
  const auto list = json::parse(get("/connections?filter=worker=99").body);
  EXPECT_TRUE(list.at("connections").empty());
}

TEST_F(ServerTest, ShowsAClientsBytesThatAreNoUtf8AsReplacementCharacters) {
  backend_.open.rows[0].state = "a\xff\"b";
  const auto list = json::parse(get("/connections?limit=1").body);
  EXPECT_EQ(list.at("connections").at(0).at("state"), "a\ufffd\"b");
}

TEST_F(ServerTest, ListsClosedConnectionsLatestFirst) {
  for (const int second : {1, 3, 2}) {
    ClosedRow row;
    row.id = {static_cast<std::uint64_t>(second)};
    row.reason = second == 2 ? "quit" : "client_eof";
    row.ended_at = WallTime{std::chrono::seconds{second}};
    backend_.closed.push_back(row);
  }
  const auto all = json::parse(get("/connections/closed").body).at("closed");
  EXPECT_EQ(all.at(0).at("id"), 3);
  EXPECT_EQ(all.at(2).at("id"), 1);
  const auto quit = json::parse(get("/connections/closed?filter=reason=quit").body).at("closed");
  ASSERT_EQ(quit.size(), 1U);
  EXPECT_EQ(quit.at(0).at("ended_at"), "1970-01-01T00:00:02.000Z");
}

TEST_F(ServerTest, NamesTheColumnsWhenAskedForAnUnknownOne) {
  const auto answer = get("/connections?sort=colour");
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(json::parse(answer.body).at("error").get<std::string>(),
              AllOf(HasSubstr("no column 'colour'"), HasSubstr("received_bytes")));
}

TEST_F(ServerTest, RefusesAParameterThatAListDoesNotHave) {
  const auto answer = get("/connections?sotr=age");
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.body, HasSubstr("sort, filter, limit and offset"));
}

TEST_F(ServerTest, AnswersAnUnknownPathWithTheIndex) {
  const auto index = get("/help");
  EXPECT_EQ(index.status, 200);
  EXPECT_THAT(index.body, HasSubstr("POST /connections/{id}/close"));
  const auto unknown = get("/metricz");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_THAT(unknown.body, HasSubstr(index.body));
}

TEST_F(ServerTest, RefusesAnotherMethodAndSaysWhich) {
  const auto posted = post(server_.port(), "/metrics");
  EXPECT_EQ(posted.status, 405);
  EXPECT_EQ(posted.header("Allow"), "GET, HEAD");
  const auto got = get("/drain");
  EXPECT_EQ(got.status, 405);
  EXPECT_EQ(got.header("Allow"), "POST");
  EXPECT_THAT(backend_.commands(), ElementsAre());
}

TEST_F(ServerTest, AnswersAFailureOfTheGatewayWithItsText) {
  backend_.failure = "no memory";
  const auto answer = get("/metrics");
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(json::parse(answer.body).at("error"), "no memory");
}

struct GoodAddress {
  const char* name;
  const char* address;
  HttpClient::Family family;
};

void PrintTo(const GoodAddress& address, std::ostream* out) { *out << address.name; }

class GoodAddressTest : public ::testing::TestWithParam<GoodAddress> {};

TEST_P(GoodAddressTest, IsServed) {
  FakeBackend backend;
  backend.open.rows.assign(2000, make_row(1, "10.0.0.1"));
  const Server server{{.address = GetParam().address, .token_file = ""}, backend};
  HttpClient client{server.port(), GetParam().family};
  client.send("GET /connections?limit=2000 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(json::parse(client.receive().body).at("shown"), 2000);
}

INSTANTIATE_TEST_SUITE_P(
    AllFamilies, GoodAddressTest,
    ::testing::Values(GoodAddress{"V4Loopback", "127.0.0.1:0", HttpClient::Family::V4},
                      GoodAddress{"V4Any", "0.0.0.0:0", HttpClient::Family::V4},
                      GoodAddress{"V6Loopback", "[::1]:0", HttpClient::Family::V6},
                      GoodAddress{"DualStackByV6", "[::]:0", HttpClient::Family::V6},
                      GoodAddress{"DualStackByV4", "[::]:0", HttpClient::Family::V4}),
    [](const auto& instance) { return instance.param.name; });

TEST(ServerStartTest, NamesTheKeyAndTheReasonWhenTheAddressIsTaken) {
  for (const auto* const host : {"127.0.0.1", "[::1]"}) {
    FakeBackend backend;
    const Server first{{.address = fmt::format("{}:0", host), .token_file = ""}, backend};
    const auto taken = fmt::format("{}:{}", host, first.port());
    try {
      const Server second{{.address = taken, .token_file = ""}, backend};
      FAIL() << "two servers at " << taken;
    } catch (const std::system_error& error) {
      EXPECT_EQ(error.code(), std::errc::address_in_use);
      EXPECT_EQ(error.what(), fmt::format("admin.address {}: Address already in use", taken));
    }
  }
}

TEST(ServerStartTest, RefusesWhatIsNoAddress) {
  FakeBackend backend;
  for (const auto* const text : {"", "9464", "localhost:9464", "fd:admin", "127.0.0.1:x"}) {
    EXPECT_THROW((Server{{.address = text, .token_file = ""}, backend}), std::runtime_error)
        << text;
  }
}

TEST(ServerStartTest, StopsAtOnceWhenIdleAndLeavesThePort) {
  FakeBackend backend;
  std::uint16_t port = 0;
  const auto started = std::chrono::steady_clock::now();
  {
    const Server server{{.address = "127.0.0.1:0", .token_file = ""}, backend};
    port = server.port();
    EXPECT_EQ(get(port, "/livez").status, 200);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - started, 1s);
  EXPECT_THROW(HttpClient{port}, std::system_error);
}

}  // namespace
}  // namespace chatgate::admin
