#include "gateway_fixture.h"

#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace chatgate::integration {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using namespace std::chrono_literals;

constexpr const char* kHttp = "GET / HTTP/1.1\r\n\r\n";

class PenaltyTest : public GatewayTest {
 protected:
  PenaltyTest() {
    per_source().exempt.clear();
    per_source().penalties.bootwait = 0s;
  }

  admission::PerSourceOptions& per_source() { return config.limits.admission.per_source; }

  // A client from `source` that says `text`, and is gone when this returns.
  std::string visit(std::string_view text, const std::string& source = "127.0.0.1") {
    auto client = gateway().connect({.source = source});
    auto line = client.receive_line();
    client.send(text);
    client.shutdown_write();
    client.receive_until_eof();
    return line;
  }

  void offend(int times) {
    const auto before = penalties("wrong_protocol");
    for (int i = 0; i < times; ++i) EXPECT_EQ(visit(kHttp), "hello");
    EXPECT_TRUE(eventually([&] { return penalties("wrong_protocol") == before + times; }));
  }

  double penalties(const std::string& offence) {
    return gateway().metric(fmt::format("chatgate_penalties_total{{offence=\"{}\"}}", offence));
  }
};

TEST_F(PenaltyTest, RefusesASourceOfClientsThatSpeakAnotherProtocol) {
  start();
  auto before = greeted();
  offend(2);
  EXPECT_THAT(visit(""), StartsWith("421 too many connections, try again later ["));
  EXPECT_TRUE(ends_with("penalty"));
  EXPECT_EQ(visit("x\n", "127.0.0.9"), "hello");
  before.send("still here\n");
  EXPECT_EQ(before.receive_line(), "<still here>");
}

TEST_F(PenaltyTest, LetsTheSourceInAgainWhenThePenaltyHasDecayed) {
  per_source().penalties.wrong_protocol = 200ms;
  per_source().penalties.min = 300ms;
  start();
  offend(2);
  EXPECT_TRUE(eventually([&] { return visit("") == "hello"; }));
}

TEST_F(PenaltyTest, CountsClientsThatSayNothingInTime) {
  config.timeouts.first_message = 200ms;
  start();
  // Three would do, but that they decay meanwhile.
  for (int i = 0; i < 4; ++i) {
    auto silent = greeted();
    EXPECT_EQ(silent.receive_line(), kEof);
  }
  EXPECT_TRUE(eventually([&] { return penalties("idle_before_first_message") == 4; }));
  EXPECT_THAT(visit(""), StartsWith("421 "));
}

TEST_F(PenaltyTest, CountsAbuseOfTelnet) {
  start();
  for (int i = 0; i < 8; ++i) visit(repeated("\xff\xfb\x03\xff\xfc\x03", 40));
  EXPECT_TRUE(eventually([&] { return penalties("protocol_error") == 8; }));
  EXPECT_THAT(visit(""), StartsWith("421 "));
}

TEST_F(PenaltyTest, CountsNothingThatHonestClientsDo) {
  service().quit_words = {"quit"};
  start();
  for (int i = 0; i < 10; ++i) visit("quit\n");
  greeted().reset();
  greeted().close();
  EXPECT_TRUE(ends_with("quit", 10));
  EXPECT_THAT(gateway().get("/penalties").body, HasSubstr("\"matched\":0"));
}

TEST_F(PenaltyTest, RefusesNobodySoonAfterTheStart) {
  per_source().penalties.bootwait = 1h;
  start();
  offend(4);
  EXPECT_EQ(visit(kHttp), "hello");
  EXPECT_GE(gateway().metric("chatgate_would_reject_total{reason=\"penalty\"}"), 1);
}

TEST_F(PenaltyTest, ShowsAndForgivesPenalties) {
  start();
  offend(2);
  EXPECT_THAT(visit(""), StartsWith("421 "));
  const auto listed = gateway().get("/penalties").body;
  EXPECT_THAT(listed, HasSubstr("\"source\":\"127.0.0.1/32\""));
  EXPECT_THAT(listed, HasSubstr("\"refused\":true"));
  EXPECT_EQ(gateway().post("/penalties/forgive?source=127.0.0.2").status, 404);
  EXPECT_EQ(gateway().post("/penalties/forgive?source=127.0.0.1").status, 200);
  EXPECT_EQ(visit("x\n").substr(0, 5), "hello");
  EXPECT_THAT(gateway().get("/penalties").body, Not(HasSubstr("127.0.0.1")));
  EXPECT_EQ(gateway().post("/penalties/forgive").status, 200);
}

TEST_F(PenaltyTest, PenalizesTheClientBehindAProxyAndNotTheProxy) {
  listener().limits.needs_proxy_header = true;
  listener().limits.proxy_trusted = {net::Cidr::parse("127.0.0.0/8").value()};
  start();
  const auto visit_as = [&](const std::string& client, std::string_view text) {
    auto connection = gateway().connect();
    connection.send(fmt::format("PROXY TCP4 {} 198.51.100.7 1 2\r\n{}", client, text));
    return connection.receive_line();
  };
  for (int i = 0; i < 2; ++i) visit_as("192.0.2.1", kHttp);
  EXPECT_TRUE(eventually([&] { return penalties("wrong_protocol") == 2; }));
  EXPECT_THAT(visit_as("192.0.2.1", ""), StartsWith("421 "));
  EXPECT_EQ(visit_as("192.0.2.2", ""), "hello");
}

TEST_F(PenaltyTest, WarnsOnceOfWhatLooksLikeALoadBalancer) {
  per_source().rate = base::Rate{100'000};
  per_source().burst = 1'000'000;
  start();
  EXPECT_EQ(gateway().metric("chatgate_source_aggregation_suspected"), 0);
  for (int i = 0; i < 600; ++i) EXPECT_EQ(visit(i % 2 == 0 ? "" : "x\n", "127.0.0.5"), "hello");
  EXPECT_EQ(gateway().metric("chatgate_source_aggregation_suspected"), 1);
  const std::string warning = "event=source_aggregation_suspected";
  EXPECT_TRUE(eventually([&] { return log().find(warning) != std::string::npos; }));
  EXPECT_EQ(log().find(warning), log().rfind(warning));
  EXPECT_THAT(log(), HasSubstr("looks like a load balancer: enable proxy_protocol or turn "
                               "per_source off"));
}

}  // namespace
}  // namespace chatgate::integration
