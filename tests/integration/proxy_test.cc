#include "gateway_fixture.h"

#include <cerrno>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/socket.h>

#include <chatgate/support/metrics_text.h>
#include <chatgate/support/proxy_header_model.h>

namespace chatgate::integration {
namespace {

using support::ip_bytes;
using support::make_proxy_v2;
using support::port_bytes;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using namespace std::chrono_literals;

constexpr const char* kV1 = "PROXY TCP4 192.0.2.1 198.51.100.7 4711 1935\r\n";

std::string v1_of(const std::string& client) {
  return fmt::format("PROXY TCP4 {} 198.51.100.7 4711 1935\r\n", client);
}

std::string v2_of(const std::string& client, bool has_checksum = true) {
  const auto addresses =
      ip_bytes(client) + ip_bytes("198.51.100.7") + port_bytes(4711) + port_bytes(1935);
  return make_proxy_v2(0x21, 0x11, addresses, "", has_checksum);
}

net::Cidr cidr(std::string_view text) { return net::Cidr::parse(text).value(); }

class ProxyTest : public GatewayTest {
 protected:
  ProxyTest() {
    listener().limits.needs_proxy_header = true;
    listener().limits.proxy_trusted = {cidr("127.0.0.0/8")};
    service().greeting = "hello {peer}\n";
  }

  admission::PerSourceOptions& per_source() { return config.limits.admission.per_source; }

  TestClient connected(std::string_view bytes) {
    auto client = gateway().connect();
    client.send(bytes);
    return client;
  }

  // What a client that sends `bytes` reads first.
  std::string answer_to(std::string_view bytes) { return connected(bytes).receive_line(); }

  bool wait_for_headers(double count) {
    return eventually([&] { return gateway().metric("chatgate_proxy_headers_waiting") == count; });
  }

  static bool has_read_nothing(const TestClient& client) {
    char byte = 0;
    return ::recv(client.descriptor(), &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
  }
};

TEST_F(ProxyTest, GreetsTheClientThatAVersion1HeaderNames) {
  start();
  EXPECT_EQ(answer_to(kV1), "hello 192.0.2.1:4711");
}

TEST_F(ProxyTest, GreetsTheClientThatAVersion2HeaderNames) {
  start();
  EXPECT_EQ(answer_to(v2_of("192.0.2.1", false)), "hello 192.0.2.1:4711");
  EXPECT_EQ(answer_to(v2_of("192.0.2.1")), "hello 192.0.2.1:4711");
}

TEST_F(ProxyTest, GreetsAnIpv6ClientBehindAnIpv4Proxy) {
  start();
  EXPECT_EQ(answer_to("PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n"), "hello [2001:db8::1]:1");
}

TEST_F(ProxyTest, ShowsTheClientAndNotTheProxyInListAndLog) {
  start();
  auto client = connected(kV1);
  client.receive_line();
  EXPECT_THAT(gateway().get("/connections").body, HasSubstr("\"peer\":\"192.0.2.1:4711\""));
  client.close();
  EXPECT_TRUE(eventually([&] {
    return log().find("event=session_closed id=1 peer=192.0.2.1:4711") != std::string::npos;
  }));
}

TEST_F(ProxyTest, SaysNothingBeforeTheHeader) {
  start();
  auto client = gateway().connect();
  ASSERT_TRUE(wait_for_headers(1));
  EXPECT_TRUE(has_read_nothing(client));
  client.send(kV1);
  EXPECT_EQ(client.receive_line(), "hello 192.0.2.1:4711");
  EXPECT_EQ(gateway().metric("chatgate_proxy_headers_waiting"), 0);
}

TEST_F(ProxyTest, KeepsWhatTheClientSentBehindTheHeader) {
  start();
  for (const auto& header : {std::string{kV1}, v2_of("192.0.2.1")}) {
    auto client = connected(header + "one\ntwo\nthr");
    EXPECT_EQ(client.receive_line(), "hello 192.0.2.1:4711");
    EXPECT_EQ(client.receive_line(), "<one>");
    EXPECT_EQ(client.receive_line(), "<two>");
    client.send("ee\n");
    EXPECT_EQ(client.receive_line(), "<three>");
  }
}

TEST_F(ProxyTest, AnswersAClientThatSentAllItHadAndItsEndWithTheHeader) {
  start();
  auto client = connected(std::string{kV1} + "a\nb");
  client.shutdown_write();
  EXPECT_EQ(client.receive_until_eof(), "hello 192.0.2.1:4711\n<a>\n<b>\n");
}

TEST_F(ProxyTest, ReadsAHeaderThatComesByteByByte) {
  start();
  for (const auto& header : {std::string{kV1}, v2_of("192.0.2.1")}) {
    auto client = gateway().connect();
    for (const char byte : header + "x\n") client.send({&byte, 1});
    EXPECT_EQ(client.receive_line(), "hello 192.0.2.1:4711");
    EXPECT_EQ(client.receive_line(), "<x>");
  }
}

TEST_F(ProxyTest, SpotsAWrongProtocolBehindTheHeader) {
  start();
  answer_to(std::string{kV1} + "GET / HTTP/1.1\r\n");
  EXPECT_TRUE(ends_with("wrong_protocol_http"));
  answer_to(std::string{kV1} + kV1);
  EXPECT_TRUE(ends_with("wrong_protocol_proxy"));
}

TEST_F(ProxyTest, EndsAConnectionWithoutAHeaderInTimeAndWithoutAWord) {
  config.proxy_header_timeout = 200ms;
  start();
  auto silent = gateway().connect();
  auto slow = connected("PROXY TCP4 192.0.2.1 ");
  EXPECT_EQ(silent.receive_until_eof(), "");
  EXPECT_EQ(slow.receive_until_eof(), "");
  EXPECT_TRUE(ends_with("proxy_timeout", 2));
}

TEST_F(ProxyTest, EndsAConnectionThatSendsNoHeaderAtOnce) {
  start();
  EXPECT_EQ(connected("hello\n").receive_until_eof(), "");
  EXPECT_TRUE(ends_with("proxy_invalid"));
  EXPECT_TRUE(eventually([&] {
    return log().find(
               "reason=proxy_invalid error=\"expected PROXY or the signature of version 2 "
               "at byte 0") != std::string::npos;
  })) << log();
}

TEST_F(ProxyTest, RefusesEveryHeaderThatIsCutShort) {
  start();
  double refused = 0;
  for (const auto& header : {std::string{kV1}, v2_of("192.0.2.1")}) {
    for (std::size_t size = 0; size < header.size(); ++size) {
      auto client = connected(header.substr(0, size));
      client.shutdown_write();
      EXPECT_EQ(client.receive_until_eof(), "") << size;
      ++refused;
    }
  }
  EXPECT_TRUE(ends_with("proxy_invalid", refused));
}

// The one byte that a checksum cannot guard is the one that says that it is a checksum (28):
// without it the header holds no checksum, but the same client.
TEST_F(ProxyTest, TakesNoOtherClientFromAHeaderWithAWrongByte) {
  start();
  const auto right = v2_of("192.0.2.1");
  double refused = 0;
  for (std::size_t at = 0; at < right.size(); ++at) {
    const bool is_guarded = at != 28;
    for (const unsigned flipped : {0x01U, 0x10U, 0x80U, 0xFFU}) {
      auto wrong = right;
      wrong[at] = static_cast<char>(static_cast<unsigned char>(wrong[at]) ^ flipped);
      auto client = connected(wrong);
      client.shutdown_write();
      EXPECT_EQ(client.receive_until_eof(), is_guarded ? "" : "hello 192.0.2.1:4711\n")
          << at << " ^ " << flipped;
      if (is_guarded) ++refused;
    }
  }
  EXPECT_TRUE(ends_with("proxy_invalid", refused));
}

TEST_F(ProxyTest, RefusesWhoIsNotTrustedWhateverItSends) {
  listener().limits.proxy_trusted = {cidr("127.0.0.2/32")};
  start();
  EXPECT_EQ(connected("").receive_until_eof(), "");
  // What comes after the close is answered by a reset.
  EXPECT_THAT(connected(kV1).receive_until_eof(), AnyOf("", kReset));
  EXPECT_TRUE(ends_with("proxy_untrusted", 2));
  TestClient trusted{gateway().port(), {.source = "127.0.0.2"}};
  trusted.send(kV1);
  EXPECT_EQ(trusted.receive_line(), "hello 192.0.2.1:4711");
}

TEST_F(ProxyTest, TrustsWhoeverMayOpenAUnixSocket) {
  listener().address = endpoint("unix:" + dir.file("chatgate.sock"));
  listener().limits.proxy_trusted.clear();
  start();
  auto client = TestClient::to_unix(dir.file("chatgate.sock"));
  client.send(kV1);
  EXPECT_EQ(client.receive_line(), "hello 192.0.2.1:4711");
}

TEST_F(ProxyTest, DeniesAClientByTheAddressInTheHeader) {
  listener().limits.deny = {cidr("192.0.2.0/24")};
  start();
  EXPECT_THAT(answer_to(kV1), StartsWith("421 access denied ["));
  EXPECT_THAT(answer_to("PROXY TCP6 ::ffff:192.0.2.9 ::1 1 2\r\n"),
              StartsWith("421 access denied"));
  EXPECT_EQ(answer_to(v1_of("192.0.3.1")), "hello 192.0.3.1:4711");
  EXPECT_TRUE(ends_with("deny_cidr", 2));
}

TEST_F(ProxyTest, DeniesAProxyBeforeItsHeaderWithoutAWord) {
  listener().limits.deny = {cidr("127.0.0.0/8")};
  start();
  EXPECT_EQ(gateway().connect().receive_until_eof(), "");
  EXPECT_TRUE(ends_with("deny_cidr"));
}

TEST_F(ProxyTest, NeedsNoProxyInTheListOfWhoIsAllowed) {
  listener().limits.allow = {cidr("192.0.2.0/24")};
  start();
  EXPECT_EQ(answer_to(kV1), "hello 192.0.2.1:4711");
  EXPECT_THAT(answer_to(v1_of("192.0.3.1")), StartsWith("421 access denied ["));
}

TEST_F(ProxyTest, CountsTheClientsAndNotTheProxyAsSources) {
  per_source().exempt.clear();
  per_source().max = 1;
  start();
  auto first = connected(v1_of("192.0.2.1"));
  EXPECT_EQ(first.receive_line(), "hello 192.0.2.1:4711");
  auto other = connected(v2_of("192.0.2.2"));
  EXPECT_EQ(other.receive_line(), "hello 192.0.2.2:4711");
  EXPECT_THAT(answer_to(v2_of("192.0.2.1")), StartsWith("421 too many connections"));
  EXPECT_TRUE(ends_with("limit_source_count"));
}

TEST_F(ProxyTest, CountsNoSourceForAProxysOwnConnections) {
  per_source().exempt.clear();
  per_source().max = 1;
  per_source().rate = base::Rate{0.001};
  per_source().burst = 1;
  start();
  const auto local = make_proxy_v2(0x20, 0x00, "");
  std::vector<TestClient> checks;
  for (const auto& header :
       {std::string{"PROXY UNKNOWN\r\n"}, local, local, make_proxy_v2(0x21, 0x00, "")}) {
    checks.push_back(connected(header));
    EXPECT_THAT(checks.back().receive_line(), StartsWith("hello 127.0.0.1:"));
  }
  EXPECT_EQ(gateway().metric("chatgate_sources_tracked{family=\"v4\"}"), 0);
}

TEST_F(ProxyTest, CountsAWaitingConnectionInNoLimit) {
  config.limits.admission.max_connections = 1;
  start();
  auto silent = gateway().connect();
  ASSERT_TRUE(wait_for_headers(1));
  auto client = connected(kV1);
  EXPECT_EQ(client.receive_line(), "hello 192.0.2.1:4711");
  silent.send(kV1);
  EXPECT_THAT(silent.receive_line(), StartsWith("421 too many connections"));
}

TEST_F(ProxyTest, KeepsWhoseHeadersHaveComeWaitingForRoomWhenToldTo) {
  config.limits.admission.max_connections = 1;
  config.limits.over_limit = service::OverLimit::Backlog;
  start();
  std::vector<TestClient> silent;
  for (int i = 0; i < 3; ++i) silent.push_back(gateway().connect());
  ASSERT_TRUE(wait_for_headers(3));
  for (auto& client : silent) client.send(kV1);
  ASSERT_TRUE(wait_for_headers(0));
  for (auto& client : silent) {
    EXPECT_EQ(client.receive_line(), "hello 192.0.2.1:4711");
    client.close();
  }
}

TEST_F(ProxyTest, MakesRoomByEndingWhoWaitsLongest) {
  config.limits.admission.max_connections = 100;
  start();
  const auto limit =
      static_cast<std::size_t>(gateway().metric("chatgate_proxy_headers_waiting_limit"));
  std::vector<TestClient> silent;
  for (std::size_t i = 0; i < limit; ++i) silent.push_back(gateway().connect());
  ASSERT_TRUE(wait_for_headers(static_cast<double>(limit)));
  auto last = gateway().connect();
  EXPECT_EQ(silent.front().receive_until_eof(), "");
  EXPECT_TRUE(ends_with("proxy_timeout"));
  EXPECT_EQ(gateway().metric("chatgate_proxy_headers_waiting"), static_cast<double>(limit));
  EXPECT_EQ(gateway().metric("chatgate_proxy_headers_overflow_total"), 1);
  last.send(kV1);
  EXPECT_EQ(last.receive_line(), "hello 192.0.2.1:4711");
  // Each is counted before the fixture looks at the accounts.
  silent.clear();
  EXPECT_TRUE(ends_with("proxy_invalid", static_cast<double>(limit - 1)));
}

TEST_F(ProxyTest, ServesWhoseHeaderIsOnItsWayWhenADrainBegins) {
  start();
  auto client = gateway().connect();
  ASSERT_TRUE(wait_for_headers(1));
  std::thread drain{[&] { gateway().request_drain(); }};
  client.send(kV1);
  EXPECT_EQ(client.receive_until_eof(), "hello 192.0.2.1:4711\n");
  drain.join();
  client.close();
  EXPECT_TRUE(gateway().has_stopped_within(support::kPatience));
}

TEST_F(ProxyTest, EndsWhoseHeaderDoesNotComeWhenADrainBegins) {
  start();
  auto silent = gateway().connect();
  auto begun = connected("PROXY TCP4 ");
  ASSERT_TRUE(wait_for_headers(2));
  gateway().request_drain();
  EXPECT_EQ(silent.receive_until_eof(), "");
  EXPECT_EQ(begun.receive_until_eof(), "");
  EXPECT_TRUE(gateway().has_stopped_within(support::kPatience));
  EXPECT_TRUE(ends_with("proxy_timeout", 2));
}

class ProxyReloadTest : public GatewayTest {
 protected:
  void write(const std::string& listener, const std::string& rest = "") {
    dir.write("chatgate.yaml",
              fmt::format("listeners: [{{name: public, address: \"127.0.0.1:0\"{}}}]\n"
                          "services: {{greeter: {{greeting: \"hello {{peer}}\\n\"}}}}\n"
                          "admin: {{address: \"127.0.0.1:0\"}}\n"
                          "log: {{output: \"file:{}\"}}\n{}",
                          listener, dir.file("gateway.log"), rest));
  }
  void reload(const std::string& listener, const std::string& rest = "") {
    write(listener, rest);
    EXPECT_THAT(gateway().post("/reload").body, HasSubstr("\"outcome\": \"applied\""));
  }
};

TEST_F(ProxyReloadTest, BeginsAndEndsToAskForHeadersWhileSessionsStay) {
  write("");
  start_from_file();
  auto direct = gateway().connect();
  EXPECT_THAT(direct.receive_line(), StartsWith("hello 127.0.0.1:"));
  reload(", proxy_protocol: required, proxy_trusted: [\"127.0.0.0/8\"]");
  auto relayed = gateway().connect();
  relayed.send(kV1);
  EXPECT_EQ(relayed.receive_line(), "hello 192.0.2.1:4711");
  reload(", proxy_protocol: required, proxy_trusted: [\"127.0.0.9\"]");
  EXPECT_EQ(gateway().connect().receive_until_eof(), "");
  reload("");
  auto again = gateway().connect();
  EXPECT_THAT(again.receive_line(), StartsWith("hello 127.0.0.1:"));
  for (auto* client : {&direct, &relayed}) {
    client->send("x\n");
    EXPECT_EQ(client->receive_line(), "收到的信息:x");
  }
}

TEST_F(ProxyReloadTest, TakesANewTimeForHeaders) {
  const std::string required = ", proxy_protocol: required, proxy_trusted: [\"127.0.0.0/8\"]";
  write(required);
  start_from_file();
  reload(required, "timeouts: {proxy_header: 200ms}\n");
  EXPECT_EQ(gateway().connect().receive_until_eof(), "");
  EXPECT_TRUE(ends_with("proxy_timeout"));
}

TEST_F(ProxyReloadTest, RefusesToBelieveEverybody) {
  write("");
  start_from_file();
  write(", proxy_protocol: required");
  EXPECT_THAT(gateway().post("/reload").body,
              HasSubstr("needs the addresses of your proxies in proxy_trusted"));
}

}  // namespace
}  // namespace chatgate::integration
