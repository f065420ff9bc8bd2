#include "gateway_fixture.h"

#include <cstddef>
#include <set>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <chatgate/session/end_reason.h>
#include <chatgate/support/metrics_text.h>

namespace chatgate::integration {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::size_t kSeriesMax = 300;

// The sample lines of an exposition, without their values.
std::set<std::string> series_of(std::string_view text) {
  std::set<std::string> series;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(line.size() + 1);
    if (!line.starts_with('#')) series.emplace(line.substr(0, line.rfind(' ')));
  }
  return series;
}

class AdminTest : public GatewayTest {
 protected:
  // A client, and the id under which the endpoint knows it.
  struct Known {
    TestClient client;
    std::string id;
  };

  Known known() {
    auto client = gateway().connect();
    auto id = client.receive_line();
    return {std::move(client), std::move(id)};
  }

  AdminTest() { service().greeting = "{session}\n"; }
};

TEST_F(AdminTest, ShowsEveryKnownSeriesAtZeroFromTheStart) {
  start();
  const auto text = gateway().metrics();
  for (const auto reason : session::all_end_reasons()) {
    const auto* kind = is_refusal(reason) ? "rejected" : "closed";
    const auto series = fmt::format(
        "chatgate_connections_{}_total{{listener=\"public\",reason=\"{}\"}}", kind, token(reason));
    EXPECT_EQ(support::metric(text, series), 0) << series;
  }
  for (const auto* name :
       {"connections_accepted_total", "connections_open", "messages_received_total",
        "replies_sent_total", "received_bytes_total", "sent_bytes_total",
        "connection_duration_seconds_count", "connection_messages_count",
        "connection_received_bytes_count", "connection_sent_bytes_count",
        "greeting_delay_seconds_count", "reply_delay_seconds_count"}) {
    EXPECT_EQ(support::metric(text, fmt::format("chatgate_{}{{listener=\"public\"}}", name)), 0)
        << name;
  }
}

TEST_F(AdminTest, ShowsUsageNextToItsLimit) {
  config.limits.admission.max_connections = 20;
  start();
  const auto client = known();
  const auto text = gateway().metrics();
  EXPECT_EQ(support::metric(text, "chatgate_connections_open{listener=\"public\"}"), 1);
  EXPECT_EQ(support::metric(text, "chatgate_connections_limit{listener=\"public\"}"), 20);
  EXPECT_EQ(support::metric(text, "chatgate_global_connections_limit"), 20);
}

TEST_F(AdminTest, AddsNoSeriesHoweverManyClientsComeFromWherever) {
  config.limits.admission.per_source.exempt.clear();
  start();
  const auto before = series_of(gateway().metrics());
  EXPECT_LE(before.size(), kSeriesMax);
  for (int i = 0; i < 200; ++i) {
    auto client = gateway().connect({.source = fmt::format("127.0.{}.{}", i / 20, 1 + i % 20)});
    client.send("x\n");
    client.shutdown_write();
    client.receive_until_eof();
  }
  EXPECT_TRUE(ends_with("client_eof", 200));
  EXPECT_EQ(series_of(gateway().metrics()), before);
}

TEST_F(AdminTest, CountsBytesAndMessagesWhileASessionIsOpen) {
  start();
  auto known = this->known();
  known.client.send("four\n");
  EXPECT_EQ(known.client.receive_line(), "<four>");
  // Counted right after the kernel took it, which the client may know sooner; the delay comes last.
  EXPECT_TRUE(eventually([&] {
    return support::metric_sum(gateway().metrics(), "chatgate_reply_delay_seconds_count") == 1;
  }));
  const auto text = gateway().metrics();
  EXPECT_EQ(support::metric_sum(text, "chatgate_received_bytes_total"), 5);
  EXPECT_EQ(support::metric_sum(text, "chatgate_sent_bytes_total"), 2 + 7);
  EXPECT_EQ(support::metric_sum(text, "chatgate_messages_received_total"), 1);
  EXPECT_EQ(support::metric_sum(text, "chatgate_replies_sent_total"), 1);
  EXPECT_EQ(support::metric_sum(text, "chatgate_greeting_delay_seconds_count"), 1);
}

TEST_F(AdminTest, NamesTheBusiestConnectionsWhenAskedTo) {
  config.top_connections.count = 1;
  start();
  auto quiet = known();
  auto busy = known();
  busy.client.send("a lot\n");
  EXPECT_EQ(busy.client.receive_line(), "<a lot>");
  EXPECT_EQ(gateway().metric(fmt::format("chatgate_top_connection{{id=\"{}\",listener=\"public\","
                                         "peer=\"{}\",by=\"received_bytes\"}}",
                                         busy.id, busy.client.local_address())),
            6);
  EXPECT_THAT(gateway().metrics(),
              Not(HasSubstr(fmt::format("chatgate_top_connection{{id=\"{}\"", quiet.id))));
}

TEST_F(AdminTest, ListsWhoIsOpen) {
  start();
  auto known = this->known();
  known.client.send("secret\nunfin");
  EXPECT_EQ(known.client.receive_line(), "<secret>");
  std::string list;
  EXPECT_TRUE(eventually([&] {
    list = gateway().get("/connections").body;
    return list.find("\"state\":\"reading\"") != std::string::npos;
  }));
  EXPECT_THAT(list, HasSubstr(fmt::format("\"id\":{},", known.id)));
  EXPECT_THAT(list, HasSubstr(fmt::format("\"peer\":\"{}\"", known.client.local_address())));
  EXPECT_THAT(list, HasSubstr("\"messages\":1,"));
  EXPECT_THAT(list, HasSubstr("\"matched\":1"));
  EXPECT_THAT(list, Not(HasSubstr("secret")));
}

TEST_F(AdminTest, ClosesAConnectionPolitely) {
  start();
  auto known = this->known();
  auto other = this->known();
  known.client.send("last\n");
  EXPECT_EQ(known.client.receive_line(), "<last>");
  EXPECT_EQ(gateway().post(fmt::format("/connections/{}/close", known.id)).status, 200);
  EXPECT_EQ(known.client.receive_line(), kEof);
  known.client.close();
  EXPECT_TRUE(ends_with("admin_kill"));
  other.client.send("x\n");
  EXPECT_EQ(other.client.receive_line(), "<x>");
}

TEST_F(AdminTest, ResetsAConnection) {
  start();
  auto known = this->known();
  EXPECT_EQ(gateway().post(fmt::format("/connections/{}/close?abort=true", known.id)).status, 200);
  EXPECT_EQ(known.client.receive_line(), kReset);
  EXPECT_TRUE(ends_with("admin_kill"));
}

TEST_F(AdminTest, KnowsNoConnectionThatIsNotOpen) {
  start();
  EXPECT_EQ(gateway().post("/connections/4711/close").status, 404);
}

TEST_F(AdminTest, ShowsTheGatewayAtAGlance) {
  start();
  const auto known = this->known();
  const auto body = gateway().get("/status").body;
  EXPECT_THAT(body, HasSubstr("\"state\": \"ready\""));
  EXPECT_THAT(body, HasSubstr("\"open\": 1"));
  EXPECT_THAT(body, HasSubstr(fmt::format("\"address\": \"{}\"", gateway().address())));
}

TEST_F(AdminTest, IsLiveAndReady) {
  start();
  EXPECT_EQ(gateway().get("/livez").status, 200);
  EXPECT_EQ(gateway().get("/readyz").status, 200);
}

TEST_F(AdminTest, ChangesTheLogLevel) {
  start();
  EXPECT_EQ(gateway().post("/log-level?level=error").status, 200);
  known().client.close();
  EXPECT_TRUE(ends_with("client_eof"));
  EXPECT_EQ(gateway().post("/log-level?level=info").status, 200);
  known().client.close();
  EXPECT_TRUE(
      eventually([&] { return log().find("event=session_closed id=2 ") != std::string::npos; }));
  EXPECT_THAT(log(), Not(HasSubstr("event=session_closed id=1 ")));
}

}  // namespace
}  // namespace chatgate::integration
