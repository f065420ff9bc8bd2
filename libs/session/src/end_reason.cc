#include <chatgate/base/assert.h>
#include <chatgate/session/end_reason.h>

namespace chatgate::session {

std::string_view token(EndReason reason) noexcept {
  switch (reason) {
    case EndReason::ClientEof:
      return "client_eof";
    case EndReason::ClientReset:
      return "client_reset";
    case EndReason::Quit:
      return "quit";
    case EndReason::SessionDone:
      return "session_done";
    case EndReason::IdleTimeout:
      return "idle_timeout";
    case EndReason::FirstMessageTimeout:
      return "first_message_timeout";
    case EndReason::LineTimeout:
      return "line_timeout";
    case EndReason::WriteTimeout:
      return "write_timeout";
    case EndReason::LineTooLong:
      return "line_too_long";
    case EndReason::ProtocolError:
      return "protocol_error";
    case EndReason::InvalidUtf8:
      return "invalid_utf8";
    case EndReason::WrongProtocolTls:
      return "wrong_protocol_tls";
    case EndReason::WrongProtocolHttp:
      return "wrong_protocol_http";
    case EndReason::WrongProtocolSsh:
      return "wrong_protocol_ssh";
    case EndReason::WrongProtocolProxy:
      return "wrong_protocol_proxy";
    case EndReason::DenyCidr:
      return "deny_cidr";
    case EndReason::LimitGlobal:
      return "limit_global";
    case EndReason::LimitListener:
      return "limit_listener";
    case EndReason::LimitSourceCount:
      return "limit_source_count";
    case EndReason::LimitSourceRate:
      return "limit_source_rate";
    case EndReason::SlowSoft:
      return "slow_soft";
    case EndReason::SlowHard:
      return "slow_hard";
    case EndReason::MaxLifetime:
      return "max_lifetime";
    case EndReason::Drain:
      return "drain";
    case EndReason::DrainForced:
      return "drain_forced";
    case EndReason::AdminKill:
      return "admin_kill";
    case EndReason::InternalError:
      return "internal_error";
  }
  CHATGATE_ASSERT(false);
}

bool is_refusal(EndReason reason) noexcept {
  return reason >= EndReason::DenyCidr && reason <= EndReason::LimitSourceRate;
}

bool is_abrupt(EndReason reason) noexcept {
  return reason == EndReason::SlowHard || reason == EndReason::DrainForced;
}

EndReason to_end_reason(admission::Refusal refusal) noexcept {
  switch (refusal) {
    case admission::Refusal::DenyCidr:
      return EndReason::DenyCidr;
    case admission::Refusal::LimitSourceRate:
      return EndReason::LimitSourceRate;
    case admission::Refusal::LimitSourceCount:
      return EndReason::LimitSourceCount;
    case admission::Refusal::LimitListener:
      return EndReason::LimitListener;
    case admission::Refusal::LimitGlobal:
      return EndReason::LimitGlobal;
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
