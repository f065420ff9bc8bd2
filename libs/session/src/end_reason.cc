#include <array>

#include <chatgate/base/assert.h>
#include <chatgate/session/end_reason.h>

namespace chatgate::session {
namespace {

// In the order of EndReason.
constexpr std::array kTokens = std::to_array<std::string_view>({
    "client_eof",
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
    "internal_error",
});
static_assert(kTokens.size() == kEndReasonCount);

}  // namespace

std::string_view token(EndReason reason) noexcept {
  return kTokens[static_cast<std::size_t>(reason)];
}

bool is_refusal(EndReason reason) noexcept {
  return reason >= EndReason::ProxyTimeout && reason <= EndReason::Overload;
}

bool is_abrupt(EndReason reason) noexcept {
  return reason == EndReason::SlowHard || reason == EndReason::DrainForced;
}

std::optional<admission::Offence> offence_of(EndReason reason, std::uint64_t messages) noexcept {
  using admission::Offence;
  const bool is_mute =
      messages == 0 && (reason == EndReason::IdleTimeout || reason == EndReason::LineTimeout);
  if (is_mute || reason == EndReason::FirstMessageTimeout) return Offence::IdleBeforeFirstMessage;
  if (reason == EndReason::ProtocolError) return Offence::ProtocolError;
  const bool is_wrong_protocol =
      reason >= EndReason::WrongProtocolTls && reason <= EndReason::WrongProtocolProxy;
  return is_wrong_protocol ? std::optional{Offence::WrongProtocol} : std::nullopt;
}

EndReason to_end_reason(admission::Refusal refusal) noexcept {
  switch (refusal) {
    case admission::Refusal::DenyCidr:
      return EndReason::DenyCidr;
    case admission::Refusal::Penalty:
      return EndReason::Penalty;
    case admission::Refusal::LimitSourceRate:
      return EndReason::LimitSourceRate;
    case admission::Refusal::LimitSourceCount:
      return EndReason::LimitSourceCount;
    case admission::Refusal::LimitListener:
      return EndReason::LimitListener;
    case admission::Refusal::LimitGlobal:
      return EndReason::LimitGlobal;
    case admission::Refusal::Memory:
      return EndReason::Memory;
    case admission::Refusal::Overload:
      return EndReason::Overload;
  }
  CHATGATE_ASSERT(false);
}

EndReason to_end_reason(protocol::WrongProtocol wrong) noexcept {
  switch (wrong) {
    case protocol::WrongProtocol::Tls:
      return EndReason::WrongProtocolTls;
    case protocol::WrongProtocol::Http:
      return EndReason::WrongProtocolHttp;
    case protocol::WrongProtocol::Ssh:
      return EndReason::WrongProtocolSsh;
    case protocol::WrongProtocol::Proxy:
      return EndReason::WrongProtocolProxy;
  }
  CHATGATE_ASSERT(false);
}

}  // namespace chatgate::session
