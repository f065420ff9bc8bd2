#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <chatgate/session/end_reason.h>

namespace chatgate::session {
namespace {

// The promise to dashboards and log readers: a token never changes its meaning, and a new one is
// written down here.
const std::vector<std::string> kTokens{"client_eof",
                                       "client_reset",
                                       "quit",
                                       "session_done",
                                       "idle_timeout",
                                       "first_message_timeout",
                                       "line_timeout",
                                       "write_timeout",
                                       "line_too_long",
                                       "protocol_error",
                                       "invalid_utf8",
                                       "wrong_protocol_tls",
                                       "wrong_protocol_http",
                                       "wrong_protocol_ssh",
                                       "wrong_protocol_proxy",
                                       "tls_handshake",
                                       "tls_timeout",
                                       "proxy_timeout",
                                       "proxy_invalid",
                                       "proxy_untrusted",
                                       "deny_cidr",
                                       "limit_global",
                                       "limit_listener",
                                       "limit_source_count",
                                       "limit_source_rate",
                                       "penalty",
                                       "memory",
                                       "overload",
                                       "slow_soft",
                                       "slow_hard",
                                       "max_lifetime",
                                       "drain",
                                       "drain_forced",
                                       "admin_kill",
                                       "internal_error"};

template <class Predicate>
std::set<std::string> tokens_of(Predicate predicate) {
  std::set<std::string> tokens;
  for (const auto reason : all_end_reasons()) {
    if (predicate(reason)) tokens.emplace(token(reason));
  }
  return tokens;
}

TEST(EndReasonTest, HasTheTokensThatWerePromised) {
  std::vector<std::string> tokens;
  for (const auto reason : all_end_reasons()) tokens.emplace_back(token(reason));
  EXPECT_EQ(tokens, kTokens);
}

TEST(EndReasonTest, HasATokenOfItsOwnForEach) {
  EXPECT_EQ(tokens_of([](auto) { return true; }).size(), kEndReasonCount);
}

TEST(EndReasonTest, RefusesAConnectionForWhatComesBeforeTheGreeting) {
  EXPECT_EQ(
      tokens_of(&is_refusal),
      (std::set<std::string>{"deny_cidr", "limit_global", "limit_listener", "limit_source_count",
                             "limit_source_rate", "memory", "overload", "penalty", "proxy_invalid",
                             "proxy_timeout", "proxy_untrusted"}));
}

TEST(EndReasonTest, ResetsOnlyThoseWhoWouldNotTakeAGoodbye) {
  EXPECT_EQ(tokens_of(&is_abrupt), (std::set<std::string>{"drain_forced", "slow_hard"}));
}

TEST(EndReasonTest, NamesEachRefusalOfAdmission) {
  using admission::Refusal;
  EXPECT_EQ(to_end_reason(Refusal::DenyCidr), EndReason::DenyCidr);
  EXPECT_EQ(to_end_reason(Refusal::Penalty), EndReason::Penalty);
  EXPECT_EQ(to_end_reason(Refusal::LimitSourceRate), EndReason::LimitSourceRate);
  EXPECT_EQ(to_end_reason(Refusal::LimitSourceCount), EndReason::LimitSourceCount);
  EXPECT_EQ(to_end_reason(Refusal::LimitListener), EndReason::LimitListener);
  EXPECT_EQ(to_end_reason(Refusal::LimitGlobal), EndReason::LimitGlobal);
  EXPECT_EQ(to_end_reason(Refusal::Memory), EndReason::Memory);
  EXPECT_EQ(to_end_reason(Refusal::Overload), EndReason::Overload);
}

TEST(EndReasonTest, MakesASourcePayForWhatIsItsFault) {
  using admission::Offence;
  for (const auto reason : all_end_reasons()) {
    const auto name = std::string{token(reason)};
    std::optional<Offence> mute;
    std::optional<Offence> talking;
    if (name.starts_with("wrong_protocol_")) mute = talking = Offence::WrongProtocol;
    if (name == "protocol_error") mute = talking = Offence::ProtocolError;
    if (name == "first_message_timeout") mute = talking = Offence::IdleBeforeFirstMessage;
    if (name == "idle_timeout" || name == "line_timeout") mute = Offence::IdleBeforeFirstMessage;
    EXPECT_EQ(offence_of(reason, 0), mute) << name;
    EXPECT_EQ(offence_of(reason, 1), talking) << name;
  }
}

TEST(EndReasonTest, NamesEachWrongProtocol) {
  using protocol::WrongProtocol;
  EXPECT_EQ(to_end_reason(WrongProtocol::Tls), EndReason::WrongProtocolTls);
  EXPECT_EQ(to_end_reason(WrongProtocol::Http), EndReason::WrongProtocolHttp);
  EXPECT_EQ(to_end_reason(WrongProtocol::Ssh), EndReason::WrongProtocolSsh);
  EXPECT_EQ(to_end_reason(WrongProtocol::Proxy), EndReason::WrongProtocolProxy);
}

}  // namespace
}  // namespace chatgate::session
