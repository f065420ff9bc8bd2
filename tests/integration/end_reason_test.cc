#include "gateway_fixture.h"
#include "lone_worker.h"

#include <array>
#include <optional>
#include <ostream>
#include <vector>

#include <fmt/format.h>

#include <chatgate/session/end_reason.h>
#include <chatgate/support/certificate.h>
#include <chatgate/support/metrics_text.h>

// Each end reason is produced by a real client; a value that nobody produces does not compile.

namespace chatgate::integration {
namespace {

using base::Bytes;
using session::EndReason;
using namespace std::chrono_literals;

constexpr auto kShort = 200ms;

/// Where a scene is played: the fixture, open to all.
class Stage : public GatewayTest {
 public:
  using GatewayTest::config;
  using GatewayTest::ends_with;
  using GatewayTest::gateway;
  using GatewayTest::greeted;
  using GatewayTest::listener;
  using GatewayTest::service;
  using GatewayTest::start;

  // Says `text`, then waits until the gateway ends the conversation.
  void say_and_wait(std::string_view text) {
    start();
    auto client = greeted();
    client.send(text);
    client.receive_until_eof();
  }

  // The first client is let in and stays; the second reads that it is not, and is sent away.
  void be_one_too_many() {
    start();
    const auto first = greeted();
    auto second = gateway().connect();
    EXPECT_TRUE(second.receive_line().starts_with("421 "));
    EXPECT_EQ(second.receive_line(), kEof);
  }

  // Asks for replies of 12 KiB and reads none, until the gateway has had enough of it.
  void never_read(std::string_view reason) {
    service().max_message = Bytes{16 << 10};
    start();
    auto client = greeted({.receive_bytes = 4096});
    const auto line = std::string(12 << 10, 'x') + '\n';
    EXPECT_TRUE(eventually([&] {
      client.send_some(line);
      return gateway().ended(reason) == 1;
    }));
  }

  // Says `text` where a PROXY header is required, and is sent away without a word.
  void come_to_a_listener_for_proxies(std::string_view text, std::string_view trusted) {
    listener().limits.needs_proxy_header = true;
    listener().limits.proxy_trusted = {net::Cidr::parse(trusted).value()};
    auto client = start().connect();
    client.send(text);
    EXPECT_EQ(client.receive_until_eof(), "");
  }

  TestGateway& start_with_tls() {
    identity_.emplace();
    listener().tls = {.certificate = identity_->certificate(), .key = identity_->key()};
    return start();
  }

  void limit_sources_alone() { config.limits.admission.per_source.exempt.clear(); }

 private:
  std::optional<support::Certificate> identity_;
};

struct Scene {
  EndReason reason;
  void (*play)(Stage&);
};

void PrintTo(const Scene& scene, std::ostream* out) { *out << token(scene.reason); }

// With 19 of 20 places taken three of four newcomers are refused.
void be_refused_early(Stage& stage) {
  stage.config.limits.admission.max_connections = 20;
  stage.start();
  std::vector<TestClient> clients;
  for (int i = 0; i < 19; ++i) clients.push_back(stage.greeted());
  EXPECT_EQ(stage.gateway().post("/overload/force").status, 200);
  EXPECT_TRUE(eventually([&] {
    const bool is_refused = stage.gateway().connect().receive_line().starts_with("421 ");
    // Who was let in has left again before the next one comes.
    EXPECT_TRUE(eventually([&] { return stage.gateway().open() == 19; }));
    return is_refused;
  }));
}

void be_drained(Stage& stage) {
  stage.start();
  auto client = stage.greeted();
  stage.gateway().request_drain();
  EXPECT_EQ(client.receive_line(), kEof);
  client.close();
  EXPECT_TRUE(stage.gateway().has_stopped_within(support::kPatience));
}

// Keeps its side open after our FIN: it is waited for, but not beyond the deadline.
void be_drained_by_force(Stage& stage) {
  stage.config.drain.deadline = 400ms;
  stage.config.drain.linger = 200ms;
  stage.start();
  auto client = stage.greeted();
  stage.gateway().request_drain();
  EXPECT_EQ(client.receive_line(), kEof);
  EXPECT_TRUE(stage.gateway().has_stopped_within(support::kPatience));
  EXPECT_TRUE(stage.ends_with("drain_forced"));
}

void be_closed_by_an_operator(Stage& stage) {
  stage.service().greeting = "{session}\n";
  auto& gateway = stage.start();
  auto client = gateway.connect();
  const auto path = fmt::format("/connections/{}/close", client.receive_line());
  EXPECT_EQ(gateway.post(path).status, 200);
  EXPECT_EQ(client.receive_line(), kEof);
}

// In order of the values, each once: see is_complete().
constexpr std::array<Scene, session::kEndReasonCount> kScenes{{
    {EndReason::ClientEof,
     [](Stage& stage) {
       stage.start();
       auto client = stage.greeted();
       client.shutdown_write();
       EXPECT_EQ(client.receive_line(), kEof);
     }},
    {EndReason::ClientReset,
     [](Stage& stage) {
       stage.start();
       stage.greeted().reset();
     }},
    {EndReason::Quit,
     [](Stage& stage) {
       stage.service().quit_words = {"quit"};
       stage.say_and_wait("quit\n");
     }},
    {EndReason::SessionDone,
     [](Stage& stage) {
       stage.service().messages_per_session = 1;
       stage.say_and_wait("one\n");
     }},
    {EndReason::IdleTimeout,
     [](Stage& stage) {
       stage.config.timeouts.idle = kShort;
       stage.say_and_wait("");
     }},
    {EndReason::FirstMessageTimeout,
     [](Stage& stage) {
       stage.config.timeouts.first_message = kShort;
       stage.say_and_wait("not yet a line");
     }},
    {EndReason::LineTimeout,
     [](Stage& stage) {
       stage.config.timeouts.line = kShort;
       stage.say_and_wait("begun");
     }},
    {EndReason::WriteTimeout,
     [](Stage& stage) {
       stage.config.timeouts.write = kShort;
       stage.never_read("write_timeout");
     }},
    {EndReason::LineTooLong,
     [](Stage& stage) {
       stage.service().max_message = Bytes{16};
       stage.service().on_overlong = session::OnOverlong::Close;
       stage.say_and_wait("more than sixteen bytes\n");
     }},
    {EndReason::ProtocolError,
     // IAC WILL SGA, IAC WONT SGA
     [](Stage& stage) { stage.say_and_wait(repeated("\xff\xfb\x03\xff\xfc\x03", 40)); }},
    {EndReason::InvalidUtf8,
     [](Stage& stage) {
       stage.service().utf8 = session::Utf8::Reject;
       stage.say_and_wait("\xc3(\n");
     }},
    {EndReason::WrongProtocolTls,
     [](Stage& stage) {
       stage.say_and_wait({"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03", 11});
     }},
    {EndReason::WrongProtocolHttp,
     [](Stage& stage) { stage.say_and_wait("GET / HTTP/1.1\r\n\r\n"); }},
    {EndReason::WrongProtocolSsh, [](Stage& stage) { stage.say_and_wait("SSH-2.0-client\r\n"); }},
    {EndReason::WrongProtocolProxy,
     [](Stage& stage) { stage.say_and_wait("PROXY TCP4 192.0.2.1 192.0.2.2 4000 5000\r\n"); }},
    {EndReason::TlsHandshake,
     [](Stage& stage) {
       auto client = stage.start_with_tls().connect();
       client.send("hello\n");
       EXPECT_EQ(client.receive_line(), "400 this port speaks TLS");
       EXPECT_EQ(client.receive_line(), kEof);
     }},
    {EndReason::TlsTimeout,
     [](Stage& stage) {
       stage.config.timeouts.tls_handshake = kShort;
       auto client = stage.start_with_tls().connect();
       EXPECT_EQ(client.receive_line(), "400 this port speaks TLS");
       EXPECT_EQ(client.receive_line(), kEof);
     }},
    {EndReason::ProxyTimeout,
     [](Stage& stage) {
       stage.config.proxy_header_timeout = kShort;
       stage.come_to_a_listener_for_proxies("", "127.0.0.0/8");
     }},
    {EndReason::ProxyInvalid,
     [](Stage& stage) { stage.come_to_a_listener_for_proxies("hello\n", "127.0.0.0/8"); }},
    {EndReason::ProxyUntrusted,
     [](Stage& stage) { stage.come_to_a_listener_for_proxies("", "192.0.2.0/24"); }},
    {EndReason::DenyCidr,
     [](Stage& stage) {
       stage.listener().limits.deny = {net::Cidr::parse("127.0.0.0/8").value()};
       auto client = stage.start().connect();
       EXPECT_TRUE(client.receive_line().starts_with("421 access denied ["));
       EXPECT_EQ(client.receive_line(), kEof);
     }},
    {EndReason::LimitGlobal,
     [](Stage& stage) {
       stage.config.limits.admission.max_connections = 1;
       stage.be_one_too_many();
     }},
    {EndReason::LimitListener,
     [](Stage& stage) {
       stage.listener().limits.max_connections = 1;
       stage.be_one_too_many();
     }},
    {EndReason::LimitSourceCount,
     [](Stage& stage) {
       stage.limit_sources_alone();
       stage.config.limits.admission.per_source.max = 1;
       stage.be_one_too_many();
     }},
    {EndReason::LimitSourceRate,
     [](Stage& stage) {
       stage.limit_sources_alone();
       stage.config.limits.admission.per_source.rate = base::Rate{0.001};
       stage.config.limits.admission.per_source.burst = 1;
       stage.be_one_too_many();
     }},
    {EndReason::Penalty,
     [](Stage& stage) {
       stage.limit_sources_alone();
       auto& penalties = stage.config.limits.admission.per_source.penalties;
       penalties.bootwait = 0s;
       penalties.min = penalties.wrong_protocol;
       stage.say_and_wait("SSH-2.0-client\r\n");
       EXPECT_TRUE(stage.ends_with("wrong_protocol_ssh"));
       EXPECT_TRUE(stage.gateway().connect().receive_line().starts_with("421 "));
     }},
    {EndReason::Memory,
     [](Stage& stage) {
       stage.config.overload.memory = Bytes{1 << 20};
       stage.start();
       EXPECT_TRUE(eventually(
           [&] { return stage.gateway().metric("chatgate_memory_used_bytes") > 1 << 20; }));
       EXPECT_TRUE(stage.gateway().connect().receive_line().starts_with("421 "));
     }},
    {EndReason::Overload, be_refused_early},
    {EndReason::SlowSoft,
     [](Stage& stage) {
       stage.config.output.soft = Bytes{1 << 10};
       stage.config.output.soft_time = kShort;
       stage.never_read("slow_soft");
     }},
    {EndReason::SlowHard,
     [](Stage& stage) {
       stage.config.output.soft = stage.config.output.hard = Bytes{16 << 10};
       stage.never_read("slow_hard");
     }},
    {EndReason::MaxLifetime,
     [](Stage& stage) {
       stage.config.timeouts.max_lifetime = kShort;
       stage.say_and_wait("");
     }},
    {EndReason::Drain, be_drained},
    {EndReason::DrainForced, be_drained_by_force},
    {EndReason::AdminKill, be_closed_by_an_operator},
    {EndReason::InternalError, nullptr},  // By LoneWorkerTest: no client can produce it.
}};

// Whether every value has its scene, in its place.
constexpr bool is_complete(const std::array<Scene, session::kEndReasonCount>& scenes) {
  for (std::size_t i = 0; i < scenes.size(); ++i) {
    if (scenes[i].reason != session::all_end_reasons()[i]) return false;
    const bool is_played = scenes[i].play != nullptr;
    if (is_played == (scenes[i].reason == EndReason::InternalError)) return false;
  }
  return true;
}
static_assert(is_complete(kScenes), "an end reason has no test that produces it");

class EndReasonTest : public Stage, public ::testing::WithParamInterface<Scene> {};

TEST_P(EndReasonTest, IsCountedOnceAndListed) {
  const auto reason = GetParam().reason;
  GetParam().play(*this);
  EXPECT_TRUE(ends_with(token(reason)));
  const auto path = fmt::format("/connections/closed?filter=reason={}", token(reason));
  const auto listed = gateway().get(path).body;
  EXPECT_NE(listed.find(fmt::format("\"reason\":\"{}\"", token(reason))), std::string::npos);
  EXPECT_NE(listed.find("\"matched\":1"), std::string::npos) << listed;
}

INSTANTIATE_TEST_SUITE_P(AllReasons, EndReasonTest,
                         ::testing::ValuesIn(kScenes.begin(), kScenes.end() - 1),
                         [](const auto& instance) {
                           return std::string{token(instance.param.reason)};
                         });

TEST(LoneWorkerTest, EndsAConnectionThatTheKernelRefusesToWatchWithInternalError) {
  LoneWorker worker;
  worker.hand_over_what_cannot_be_watched();
  ASSERT_TRUE(eventually([&] { return worker.closed_reasons().size() == 1; }));
  EXPECT_EQ(worker.closed_reasons().front(), "internal_error");
  EXPECT_EQ(support::metric(worker.metrics(),
                            "chatgate_connections_closed_total"
                            "{listener=\"public\",reason=\"internal_error\"}"),
            1);
}

}  // namespace
}  // namespace chatgate::integration
