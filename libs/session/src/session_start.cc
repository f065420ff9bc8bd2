#include <chatgate/session/session.h>

// The start of a session: TLS where it is due, before the greeting.

namespace chatgate::session {
namespace {

constexpr std::string_view kTlsHint = "400 this port speaks TLS\n";

}  // namespace

Session::End Session::begin() {
  if (const auto error = connection_.open()) {
    worker_.context().log.write_limited(telemetry::LogLevel::Error, "session_refused_by_kernel",
                                        {{"id", record_.id.value}, {"error", error.message()}});
    return EndReason::InternalError;
  }
  if (profile().tls) return start_tls(*profile().tls);
  return greet(record_.accepted_at);
}

Session::End Session::start_tls(const net::TlsContext& context) {
  connection_.start_tls(context);
  is_shaking_hands_ = is_backlogged_ = true;
  last_byte_at_ = Clock::now();  // Its time begins here, however long it waited for a place.
  has_nearer_deadline_ = true;
  worker_.begin_handshake(*this, profile().tls_handshakes_max);
  return {};
}

Session::End Session::shake_hands() {
  using Status = net::TlsStream::Status;
  const auto status = connection_.handshake();
  if (status == Status::WantsInput || status == Status::WantsOutput) return {};
  if (status != Status::Done) {
    worker_.context().log.write_limited(telemetry::LogLevel::Info, "tls_handshake_failed",
                                        {{"id", record_.id.value},
                                         {"peer", net::to_text(record_.peer)},
                                         {"listener", profile().name},
                                         {"error", connection_.tls()->error()}});
    return EndReason::TlsHandshake;
  }
  stop_shaking();
  is_backlogged_ = false;
  is_sniffed_ = true;
  counters().tls_handshakes.add();
  return greet(Clock::now());  // How long the handshake took was the client's to say, too.
}

// Whoever speaks no TLS finds out why nothing else happens, as far as a line can tell.
void Session::give_up_handshake(EndReason reason) {
  if (!is_shaking_hands_) return;
  stop_shaking();
  const bool is_theirs = reason == EndReason::TlsHandshake || reason == EndReason::TlsTimeout;
  // Whose place was needed by a newer one may not have had the time to begin.
  if (!is_theirs || is_ending_ || connection_.tls()->is_spoken()) return;
  connection_.stop_tls();
  say(kTlsHint);
}

void Session::stop_shaking() noexcept {
  if (!is_shaking_hands_) return;
  is_shaking_hands_ = false;
  worker_.end_handshake(*this);
}

}  // namespace chatgate::session
