#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include <chatgate/admission/penalty.h>
#include <chatgate/admission/refusal.h>
#include <chatgate/protocol/sniffer.h>

namespace chatgate::session {

/// Why a connection was refused or a session ended: exactly one for each connection. The same token
/// stands in the log, the metrics and the admin endpoint.
///
/// A value that no code produces is not in the list; each has a test that produces it
/// (tests/integration/end_reason_test.cc).
enum class EndReason : std::uint8_t {
  ClientEof,    // The client ended its output; everything was answered.
  ClientReset,  // The connection broke.
  Quit,         // A quit word.
  SessionDone,  // `messages_per_session` were answered.
  IdleTimeout,
  FirstMessageTimeout,
  LineTimeout,
  WriteTimeout,
  LineTooLong,    // And `on_overlong: close`.
  ProtocolError,  // Abuse of telnet negotiation.
  InvalidUtf8,    // And `utf8: reject`.
  WrongProtocolTls,
  WrongProtocolHttp,
  WrongProtocolSsh,
  WrongProtocolProxy,
  TlsHandshake,    // It failed.
  TlsTimeout,      // It was not done in time, or newer ones needed its place.
  ProxyTimeout,    // No whole PROXY header in time, where one is required.
  ProxyInvalid,    // What came is no PROXY header.
  ProxyUntrusted,  // The peer may not send one.
  DenyCidr,
  LimitGlobal,
  LimitListener,
  LimitSourceCount,
  LimitSourceRate,
  Penalty,
  Memory,    // The memory budget is used up.
  Overload,  // At random, while there is an overload.
  SlowSoft,
  SlowHard,
  MaxLifetime,
  Drain,
  DrainForced,
  AdminKill,
  InternalError,
};

inline constexpr std::size_t kEndReasonCount = 35;
static_assert(kEndReasonCount == static_cast<std::size_t>(EndReason::InternalError) + 1);

/// Every reason, in order.
constexpr std::array<EndReason, kEndReasonCount> all_end_reasons() noexcept {
  std::array<EndReason, kEndReasonCount> reasons{};
  for (std::size_t i = 0; i < kEndReasonCount; ++i) reasons[i] = static_cast<EndReason>(i);
  return reasons;
}

/// `client_eof`, `idle_timeout`, …
std::string_view token(EndReason reason) noexcept;

/// Whether the reason refuses a connection, before there is a session.
bool is_refusal(EndReason reason) noexcept;

/// Whether the connection is reset (RST) instead of ended politely.
bool is_abrupt(EndReason reason) noexcept;

/// What the source of a session pays for that ended so after `messages` messages, if anything.
std::optional<admission::Offence> offence_of(EndReason reason, std::uint64_t messages) noexcept;

EndReason to_end_reason(admission::Refusal refusal) noexcept;
EndReason to_end_reason(protocol::WrongProtocol wrong) noexcept;

}  // namespace chatgate::session
