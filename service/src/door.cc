#include "door.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include <chatgate/protocol/sniffer.h>

namespace chatgate::service {
namespace {

// Once a minute: an operator must learn of it, and nobody must drown in it.
constexpr std::chrono::minutes kErrorLogPause{1};

// When a listener closes, headers that are on their way may still arrive. A proxy sends its header
// as soon as it is connected.
constexpr std::chrono::milliseconds kLastHeaders{250};

bool is_full(admission::Refusal refusal) noexcept {
  return refusal == admission::Refusal::LimitGlobal || refusal == admission::Refusal::LimitListener;
}

std::size_t counter_of(int error) noexcept {
  constexpr auto& kErrors = AcceptCounters::kErrors;
  return static_cast<std::size_t>(std::find(kErrors.begin(), kErrors.end(), error) -
                                  kErrors.begin());
}

}  // namespace

AcceptorThread::Door::Door(const AcceptorContext& context, net::EventLoop& loop,
                           Dismissals& dismissals, AcceptedListener listener,
                           net::ListeningSocket socket, net::SpareDescriptor& spare)
    : context_{context},
      loop_{loop},
      dismissals_{dismissals},
      listener_{std::move(listener)},
      acceptor_{loop, std::move(socket), spare, *this},
      leaving_(context.workers.size()),
      header_waits_{loop, context.headers, *this} {}

AcceptorThread::Door::~Door() {
  header_waits_.finish({});
  for (auto& newcomer : held_) refuse(std::move(newcomer), admission::Refusal::LimitGlobal);
}

void AcceptorThread::Door::on_accepted(net::UniqueFd socket, const net::PeerAddress& peer,
                                       Clock::time_point now) {
  Newcomer newcomer{std::move(socket), peer, peer.ip, next_id(), now};
  if (listener_.slot.needs_proxy_header()) [[unlikely]] {
    return await_header(std::move(newcomer));
  }
  decide(std::move(newcomer));
}

// Nothing is said before the header: what came may be no client of ours.
void AcceptorThread::Door::await_header(Newcomer newcomer) {
  switch (listener_.slot.judge(newcomer.peer.ip)) {
    case admission::PeerVerdict::IsClient:
      return decide(std::move(newcomer));
    case admission::PeerVerdict::AwaitHeader: {
      const auto deadline = newcomer.accepted_at + context_.header_timeout.load();
      return header_waits_.await(std::move(newcomer), deadline);
    }
    case admission::PeerVerdict::Denied:
      return refuse_silently(std::move(newcomer), session::EndReason::DenyCidr);
    case admission::PeerVerdict::Untrusted:
      return refuse_silently(std::move(newcomer), session::EndReason::ProxyUntrusted);
  }
}

void AcceptorThread::Door::on_header(Newcomer newcomer, const protocol::ProxyHeader& header) {
  using Relayed = protocol::ProxyHeader::Relayed;
  if (header.relayed == Relayed::Nobody) {
    newcomer.source = {};  // The proxy looks after its server: no client to count.
  } else {
    const std::size_t bytes = header.relayed == Relayed::V4 ? 4 : 16;
    newcomer.peer = {net::IpAddress::from_bytes(std::span{header.client_ip}.first(bytes)),
                     header.client_port};
    newcomer.source = newcomer.peer.ip;
  }
  decide(std::move(newcomer));
}

void AcceptorThread::Door::on_no_header(Newcomer newcomer, session::EndReason reason,
                                        std::string error) {
  refuse_silently(std::move(newcomer), reason, error);
}

void AcceptorThread::Door::on_exhausted(net::UniqueFd socket, const net::PeerAddress& peer) {
  const Newcomer newcomer{net::UniqueFd{}, peer, peer.ip, next_id(), Clock::now()};
  count_refused(newcomer, session::EndReason::LimitGlobal);
  const auto line = listener_.slot.needs_proxy_header()
                        ? std::string{}
                        : refusal_text(session::EndReason::LimitGlobal, newcomer.id);
  Dismissals::dismiss_at_once(std::move(socket), line);
}

void AcceptorThread::Door::on_accept_error(int error) {
  context_.counters.errors[counter_of(error)].add();
  const auto now = Clock::now();
  const bool was_logged = error_logged_at_ != Clock::time_point{};
  if (was_logged && now - error_logged_at_ < kErrorLogPause) return;
  error_logged_at_ = now;
  context_.log.error("accept_failed",
                     {{"listener", listener_.name},
                      {"error", std::generic_category().message(error)},
                      {"advice", error == EMFILE ? "raise LimitNOFILE (ulimit -n) or lower "
                                                   "limits.max_connections"
                                                 : "the machine is short of a resource"}});
}

void AcceptorThread::Door::decide(Newcomer newcomer) {
  auto decision = context_.admission.admit(listener_.slot, newcomer.source, Clock::now());
  if (decision) {
    admit(std::move(newcomer), *std::move(decision));
    if (waits_at_limit() && !context_.admission.has_room(listener_.slot)) wait_for_room();
  } else if (waits_at_limit() && is_full(decision.error())) {
    held_.push_back(std::move(newcomer));
    wait_for_room();
  } else {
    refuse(std::move(newcomer), decision.error());
  }
}

void AcceptorThread::Door::admit(Newcomer newcomer, admission::Ticket ticket) {
  listener_.counters.accepted.add();
  const auto load = [this](std::size_t i) {
    return context_.workers[i]->load() + leaving_[i].size();
  };
  std::size_t least = 0;
  for (std::size_t i = 1; i < leaving_.size(); ++i) {
    if (load(i) < load(least)) least = i;
  }
  leaving_[least].push_back({.socket = std::move(newcomer.socket),
                             .peer = newcomer.peer,
                             .id = newcomer.id,
                             .listener = listener_.id,
                             .ticket = std::move(ticket),
                             .accepted_at = newcomer.accepted_at});
}

void AcceptorThread::Door::on_turn_ended() {
  for (std::size_t i = 0; i < leaving_.size(); ++i) context_.workers[i]->hand_over(leaving_[i]);
}

void AcceptorThread::Door::refuse(Newcomer newcomer, admission::Refusal refusal) {
  const auto reason = session::to_end_reason(refusal);
  count_refused(newcomer, reason);
  if (context_.over_limit.load(std::memory_order_relaxed) == OverLimit::Reset) {
    return Dismissals::reset(std::move(newcomer.socket));
  }
  dismissals_.dismiss(std::move(newcomer.socket), refusal_text(reason, newcomer.id));
}

void AcceptorThread::Door::refuse_silently(Newcomer newcomer, session::EndReason reason,
                                           std::string_view error) {
  count_refused(newcomer, reason, error);
  if (context_.over_limit.load(std::memory_order_relaxed) == OverLimit::Reset) {
    return Dismissals::reset(std::move(newcomer.socket));
  }
  Dismissals::dismiss_at_once(std::move(newcomer.socket), {});
}

void AcceptorThread::Door::count_refused(const Newcomer& newcomer, session::EndReason reason,
                                         std::string_view error) {
  listener_.counters.accepted.add();
  listener_.counters.rejected[static_cast<std::size_t>(reason)].add();
  context_.closed.add({.record = {.id = newcomer.id,
                                  .listener = listener_.id,
                                  .peer = newcomer.peer,
                                  .accepted_at = newcomer.accepted_at},
                       .reason = reason,
                       .listener_name = listener_.counters.name,
                       .ended_at = std::chrono::system_clock::now(),
                       .duration = Clock::now() - newcomer.accepted_at});
  const auto peer = net::to_text(newcomer.peer);
  const std::array<telemetry::Field, 5> fields{{{"id", newcomer.id.value},
                                                {"peer", peer},
                                                {"listener", listener_.name},
                                                {"reason", session::token(reason)},
                                                {"error", error}}};
  context_.log.write_limited(telemetry::LogLevel::Info, "connection_refused",
                             std::span{fields}.first(error.empty() ? 4 : 5),
                             session::token(reason));
}

// A handshake for somebody who is sent away would cost more than what refusing is to save.
std::string AcceptorThread::Door::refusal_text(session::EndReason reason,
                                               base::SessionId id) const {
  if (listener_.slot.is_encrypted()) return std::string{protocol::kTlsAlert};
  const auto* text = reason == session::EndReason::DenyCidr
                         ? "access denied"
                         : "too many connections, try again later";
  return fmt::format("421 {} [{}]\n", text, id.value);
}

base::SessionId AcceptorThread::Door::next_id() noexcept {
  return {context_.next_session_id.fetch_add(1, std::memory_order_relaxed)};
}

bool AcceptorThread::Door::waits_at_limit() const noexcept {
  return !is_closing_ && context_.over_limit.load(std::memory_order_relaxed) == OverLimit::Backlog;
}

void AcceptorThread::Door::wait_for_room() {
  if (is_waiting_) return;
  acceptor_.pause();
  is_waiting_ = true;
  loop_.post([this] { look_again(); });
}

void AcceptorThread::Door::look_again() {
  if (!is_waiting_) return;
  if (waits_at_limit() && !context_.admission.has_room(listener_.slot)) {
    context_.admission.announce_waiting();
    // A place that became free before the announcement wakes nobody: hence the second look.
    if (!context_.admission.has_room(listener_.slot)) return;
  }
  is_waiting_ = false;
  acceptor_.resume();
  decide_held();
}

void AcceptorThread::Door::decide_held() {
  for (auto& newcomer : std::exchange(held_, {})) decide(std::move(newcomer));
  on_turn_ended();
}

void AcceptorThread::Door::finish_queue() {
  is_closing_ = true;
  is_waiting_ = false;
  decide_held();
  acceptor_.accept_queue();
  header_waits_.finish(kLastHeaders);
  acceptor_.pause();
}

}  // namespace chatgate::service
