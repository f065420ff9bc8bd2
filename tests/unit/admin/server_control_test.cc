#include "fake_backend.h"
#include "http_client.h"

#include <ostream>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <chatgate/admin/server.h>

namespace chatgate::admin {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ControlTest : public ::testing::Test {
 protected:
  Answer post(const std::string& target, const std::string& headers = "") {
    return admin::post(server_.port(), target, headers);
  }

  FakeBackend backend_;
  Server server_{{.address = "127.0.0.1:0", .token_file = ""}, backend_};
};

TEST_F(ControlTest, PassesEachCommandOn) {
  for (const auto* const target :
       {"/overload/force", "/overload/release", "/drain", "/undrain", "/reload",
        "/connections/7/close", "/connections/8/close?abort=true",
        "/connections/9/close?abort=false", "/log-level?level=trace"}) {
    EXPECT_EQ(post(target).status, 200) << target;
  }
  EXPECT_THAT(backend_.commands(),
              ElementsAre("force overload", "release overload", "drain", "undrain", "reload",
                          "close 7", "abort 8", "close 9", "level 0"));
}

TEST_F(ControlTest, ForgivesOneSourceOrAll) {
  EXPECT_EQ(post("/penalties/forgive?source=192.0.2.1").status, 200);
  EXPECT_EQ(post("/penalties/forgive?source=2001:db8::1").status, 200);
  EXPECT_EQ(post("/penalties/forgive").status, 200);
  EXPECT_EQ(post("/penalties/forgive?source=192.0.2.0/24").status, 400);
  EXPECT_EQ(post("/penalties/forgive?sauce=192.0.2.1").status, 400);
  EXPECT_THAT(backend_.commands(),
              ElementsAre("forgive 192.0.2.1", "forgive 2001:db8::1", "forgive all"));
}

TEST_F(ControlTest, TakesTheLogLevelFromTheBody) {
  for (const auto* const body : {"debug", "level=debug", "debug\n", "level=debug\r\n"}) {
    EXPECT_EQ(request(server_.port(), "POST", "/log-level", "", body).status, 200) << body;
  }
  EXPECT_THAT(backend_.commands(), ElementsAre("level 1", "level 1", "level 1", "level 1"));
}

TEST_F(ControlTest, TakesAChunkedBody) {
  HttpClient client{server_.port()};
  client.send(
      "POST /log-level HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nwar\r\n1\r\nn\r\n0\r\n\r\n");
  EXPECT_EQ(client.receive().status, 200);
  EXPECT_THAT(backend_.commands(), ElementsAre("level 3"));
}

TEST_F(ControlTest, NeedsNoContentLength) {
  HttpClient client{server_.port()};
  client.send("POST /drain HTTP/1.0\r\n\r\n");
  EXPECT_EQ(client.receive().status, 200);
  EXPECT_THAT(backend_.commands(), ElementsAre("drain"));
}

TEST_F(ControlTest, RefusesWhatItDoesNotUnderstand) {
  for (const auto* const target :
       {"/log-level", "/log-level?level=loud", "/log-level?level=debug&x=1",
        "/connections/seven/close", "/connections/-1/close", "/connections/7x/close",
        "/connections/99999999999999999999/close", "/connections/7/close?abort=yes",
        "/connections/7/close?abrot=true"}) {
    const auto answer = post(target);
    EXPECT_EQ(answer.status, 400) << target;
    EXPECT_TRUE(json::parse(answer.body).contains("error")) << target;
  }
  EXPECT_EQ(post("/connections//close").status, 404);
  EXPECT_EQ(post("/connections/7/8/close").status, 404);
  EXPECT_THAT(backend_.commands(), IsEmpty());
}

struct Outcome {
  const char* name;
  ControlResult::Outcome outcome;
  int status;
};

void PrintTo(const Outcome& outcome, std::ostream* out) { *out << outcome.name; }

class OutcomeTest : public ControlTest, public ::testing::WithParamInterface<Outcome> {};

TEST_P(OutcomeTest, HasItsStatusAndText) {
  backend_.control = {GetParam().outcome, "because"};
  const auto answer = post("/connections/7/close");
  EXPECT_EQ(answer.status, GetParam().status);
  const auto* const key = GetParam().status == 200 ? "result" : "error";
  EXPECT_EQ(json::parse(answer.body).at(key), "because");
}

INSTANTIATE_TEST_SUITE_P(
    AllOutcomes, OutcomeTest,
    ::testing::Values(Outcome{"Done", ControlResult::Outcome::Done, 200},
                      Outcome{"NotFound", ControlResult::Outcome::NotFound, 404},
                      Outcome{"Refused", ControlResult::Outcome::Refused, 409},
                      Outcome{"Unavailable", ControlResult::Outcome::Unavailable, 503}),
    [](const auto& instance) { return instance.param.name; });

struct Reloaded {
  const char* name;
  ReloadResult::Outcome outcome;
  int status;
  const char* word;
};

void PrintTo(const Reloaded& reloaded, std::ostream* out) { *out << reloaded.name; }

class ReloadedTest : public ControlTest, public ::testing::WithParamInterface<Reloaded> {};

TEST_P(ReloadedTest, HasItsStatusAndItsLists) {
  backend_.reloaded = {GetParam().outcome, {"threads.workers"}, {"a.yaml:1:2: no"}};
  const auto answer = post("/reload");
  EXPECT_EQ(answer.status, GetParam().status);
  const auto result = json::parse(answer.body);
  EXPECT_EQ(result.at("outcome"), GetParam().word);
  EXPECT_THAT(result.at("keys"), ElementsAre("threads.workers"));
  EXPECT_THAT(result.at("errors"), ElementsAre("a.yaml:1:2: no"));
  EXPECT_EQ(result.contains("error"), GetParam().status != 200);
}

INSTANTIATE_TEST_SUITE_P(
    AllOutcomes, ReloadedTest,
    ::testing::Values(Reloaded{"Applied", ReloadResult::Outcome::Applied, 200, "applied"},
                      Reloaded{"Unchanged", ReloadResult::Outcome::Unchanged, 200, "unchanged"},
                      Reloaded{"Rejected", ReloadResult::Outcome::Rejected, 422, "rejected"},
                      Reloaded{"RequiresRestart", ReloadResult::Outcome::RequiresRestart, 409,
                               "requires_restart"}),
    [](const auto& instance) { return instance.param.name; });

struct Forgery {
  const char* name;
  std::string headers;
  int status;
};

void PrintTo(const Forgery& forgery, std::ostream* out) { *out << forgery.name; }

class ForgeryTest : public ControlTest, public ::testing::WithParamInterface<Forgery> {};

TEST_P(ForgeryTest, IsToldFromAnOperator) {
  EXPECT_EQ(post("/drain", GetParam().headers).status, GetParam().status);
  EXPECT_EQ(backend_.commands().size(), GetParam().status == 200 ? 1U : 0U);
}

INSTANTIATE_TEST_SUITE_P(
    Pages, ForgeryTest,
    ::testing::Values(
        Forgery{"ForeignOrigin", "Origin: http://evil.example\r\n", 403},
        Forgery{"NullOrigin", "Origin: null\r\n", 403},
        Forgery{"OtherPortOrigin", "Host: localhost:9464\r\nOrigin: http://localhost:80\r\n", 403},
        Forgery{"ReboundName", "Host: evil.example\r\n", 403},
        Forgery{"ReboundNameWithItsOrigin",
                "Host: evil.example:9464\r\nOrigin: http://evil.example:9464\r\n", 403},
        Forgery{"NameThatBeginsLikeLocalhost", "Host: localhost.evil.example\r\n", 403},
        Forgery{"ForeignAddress", "Host: 192.0.2.1:9464\r\n", 403},
        Forgery{"UnclosedBracket", "Host: [::1\r\n", 200}, Forgery{"EmptyHost", "Host: \r\n", 403}),
    [](const auto& instance) { return instance.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Operators, ForgeryTest,
    ::testing::Values(Forgery{"OwnOrigin",
                              "Host: localhost:9464\r\nOrigin: http://localhost:9464\r\n", 200},
                      Forgery{"Localhost", "Host: LOCALHOST:9464\r\n", 200},
                      Forgery{"V4Address", "Host: 127.0.0.1:9464\r\n", 200},
                      Forgery{"V6Address", "Host: [::1]:9464\r\n", 200}),
    [](const auto& instance) { return instance.param.name; });

TEST(V6LoopbackTest, HasControlsWithoutAToken) {
  FakeBackend backend;
  const Server server{{.address = "[::1]:0", .token_file = ""}, backend};
  HttpClient client{server.port(), HttpClient::Family::V6};
  client.send("POST /drain HTTP/1.1\r\nHost: [::1]:9464\r\n\r\n");
  EXPECT_EQ(client.receive().status, 200);
  EXPECT_THAT(backend.commands(), ElementsAre("drain"));
}

}  // namespace
}  // namespace chatgate::admin
