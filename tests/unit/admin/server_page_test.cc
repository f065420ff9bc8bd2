#include "fake_backend.h"
#include "http_client.h"

#include <set>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <chatgate/admin/server.h>

namespace chatgate::admin {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

class PageTest : public ::testing::Test {
 protected:
  Answer get(const std::string& target) { return admin::get(server_.port(), target); }

  FakeBackend backend_;
  Server server_{{.address = "127.0.0.1:0", .token_file = ""}, backend_};
};

TEST_F(PageTest, IsOneDocumentThatAsksNobodyElse) {
  const auto page = get("/");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.header("Content-Type"), "text/html; charset=utf-8");
  EXPECT_THAT(page.body, HasSubstr("</html>"));
  EXPECT_THAT(page.body, HasSubstr("class LiveTable"));
  EXPECT_THAT(page.body, HasSubstr("prefers-color-scheme: dark"));
  for (const auto* const foreign : {"src=", "@import", "url(", "page.css", "page.js"}) {
    EXPECT_THAT(page.body, Not(HasSubstr(foreign)));
  }
}

TEST_F(PageTest, RunsItsOwnScriptAloneAndMakesNoMarkupOfText) {
  const auto page = get("/");
  const auto policy = page.header("Content-Security-Policy");
  EXPECT_THAT(policy, HasSubstr("default-src 'none'"));
  EXPECT_THAT(policy, HasSubstr("require-trusted-types-for 'script'"));
  EXPECT_THAT(policy, HasSubstr("frame-ancestors 'none'"));
  EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
  const auto begin = policy.find("'nonce-") + 7;
  const auto nonce = policy.substr(begin, policy.find('\'', begin) - begin);
  EXPECT_EQ(nonce.size(), 32U);
  EXPECT_THAT(page.body, HasSubstr("<script type=\"module\" nonce=\"" + nonce + "\">"));
  EXPECT_THAT(page.body, Not(HasSubstr("NONCE-OF-THIS-ANSWER")));
  for (const auto* const inline_code : {"innerHTML", " onclick=\"", " style=\"", "eval("}) {
    EXPECT_THAT(page.body, Not(HasSubstr(inline_code)));
  }
}

TEST_F(PageTest, UsesANumberOnce) {
  std::set<std::string> policies;
  for (int i = 0; i < 20; ++i) policies.insert(get("/").header("Content-Security-Policy"));
  EXPECT_EQ(policies.size(), 20U);
}

TEST_F(PageTest, GetsTheConfigurationWithItsOrigins) {
  backend_.values = {{"timeouts.idle", "15m", "default"},
                     {"services.greeter.greeting", "\"<b>\xff\"", "c.yaml:3:5"}};
  const auto config = json::parse(get("/config").body).at("config");
  EXPECT_EQ(config.at(0).at("origin"), "default");
  EXPECT_EQ(config.at(1).at("value"), "\"<b>\ufffd\"");
}

TEST_F(PageTest, GetsTheSourcesWithTheMostSessionsFirst) {
  backend_.open.rows.push_back(make_row(10, "10.2.0.2"));
  const auto sources = json::parse(get("/sources?limit=1").body);
  EXPECT_EQ(sources.at("matched"), 3);
  EXPECT_EQ(sources.at("sources").at(0).at("source"), "10.2.0.2");
  EXPECT_EQ(sources.at("sources").at(0).at("connections"), 2);
}

TEST_F(PageTest, LearnsWhatControlsNeed) {
  EXPECT_EQ(json::parse(get("/status").body).at("controls"), "open");
  const Server open{{.address = "0.0.0.0:0", .token_file = ""}, backend_};
  EXPECT_EQ(json::parse(admin::get(open.port(), "/status").body).at("controls"), "off");
}

// A page whose name its own DNS points at us could read the answers as its own.
TEST_F(PageTest, IsShownUnderALocalNameAlone) {
  const auto status = [&](std::string_view target) {
    HttpClient client{server_.port()};
    client.send(std::string{"GET "} + std::string{target} +
                " HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    return client.receive().status;
  };
  EXPECT_EQ(status("/connections"), 403);
  EXPECT_EQ(status("/config"), 403);
  EXPECT_EQ(status("/metrics"), 200);
  EXPECT_EQ(status("/livez"), 200);
}

}  // namespace
}  // namespace chatgate::admin
