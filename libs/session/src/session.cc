#include <exception>
#include <random>
#include <utility>

#include <chatgate/base/assert.h>
#include <chatgate/session/session.h>

namespace chatgate::session {

static_assert(kReadMessageMax.count <= net::EventLoop::kScratchBytes);
static_assert(kReadBytesMax <= net::EventLoop::kScratchBytes);

using net::Connection;
using net::Task;
using net::Wake;

Session::Session(Worker& worker, Arrival& arrival)
    : worker_{worker},
      listener_{worker.listener(arrival.listener)},
      ticket_{std::move(arrival.ticket)},
      connection_{worker.loop(), std::move(arrival.socket), *this},
      record_{.id = arrival.id,
              .listener = arrival.listener,
              .peer = arrival.peer,
              .accepted_at = arrival.accepted_at} {
  worker_.enlist(*this, listener_);
}

Session::~Session() {
  stop_shaking();
  worker_.account_queued(-static_cast<std::ptrdiff_t>(accounted_bytes_), profile().output.budget);
  worker_.strike(*this, listener_);
}

net::RootTask Session::serve(Worker& worker, Arrival& arrival) {
  {
    Session session{worker, arrival};
    auto reason = EndReason::InternalError;
    try {
      auto end = session.begin();
      while (!end) {
        auto next = session.next();
        const Wake wake = co_await next;
        end = session.on_wake(wake);
      }
      reason = *end;
      session.give_up_handshake(reason);
      if (session.is_owed_goodbye(reason)) {
        auto parting = session.part(reason);
        reason = co_await parting;
      }
    } catch (const std::exception& failure) {
      reason = EndReason::InternalError;
      worker.batch().clear();
      worker.context().log.write_limited(
          telemetry::LogLevel::Error, "session_failed",
          {{"id", session.record_.id.value}, {"error", failure.what()}});
    }
    session.settle(reason);
  }  // The socket is closed and its place is free before anyone is told.
  worker.context().on_session_ended();
}

// What the session waits for: input, or a client that has taken enough of its replies.
Connection::Waiting Session::next() {
  if (has_nearer_deadline_) arm();
  if (!is_backlogged_ || is_shaking_hands_) [[likely]]
    return connection_.readable();
  return connection_.drained(profile().output.soft.count / 2, kUnansweredMax / 2);
}

// A client that ended its side and has all its replies is owed nothing but the FIN of the close.
bool Session::is_owed_goodbye(EndReason reason) const noexcept {
  if (reason == EndReason::ClientReset || reason == EndReason::InternalError) return false;
  const bool has_all = has_ended_ && connection_.queued() == 0;
  return !has_all || is_aborting_ || is_abrupt(reason);
}

// Says goodbye as the reason deserves, which may turn out to be another one.
Task<EndReason> Session::part(EndReason reason) {
  if (is_abrupt(reason) || is_aborting_) {
    connection_.abort_on_close();
    co_return reason;
  }
  is_parting_ = true;
  const auto limits = goodbye_limits(reason);
  if (limits.flush.count() == 0) {
    connection_.shut_down_output();
    account_output();  // While it lingers, the budget is for those who stay.
  }
  auto goodbye = say_goodbye(connection_, worker_.loop(), limits);
  const Goodbye said = co_await goodbye;
  const bool is_forced = is_ending_ && is_abrupt(ending_);
  if (said == Goodbye::Told && (is_forced || is_aborting_)) {
    connection_.abort_on_close();
    co_return is_forced ? ending_ : reason;
  }
  if (reason == EndReason::ClientEof && said == Goodbye::Unheard) co_return EndReason::WriteTimeout;
  if (reason == EndReason::ClientEof && said == Goodbye::PeerGone) co_return EndReason::ClientReset;
  co_return reason;
}

GoodbyeLimits Session::goodbye_limits(EndReason reason) const noexcept {
  GoodbyeLimits limits;
  const bool is_slow = reason == EndReason::SlowSoft || reason == EndReason::WriteTimeout;
  if (is_slow) limits.flush = {};  // It had its time.
  if (has_ended_) limits.linger = {};
  return limits;
}

Session::End Session::on_rare_wake(Wake wake) {
  has_nearer_deadline_ = true;
  switch (wake) {
    case Wake::Ready:
      if (is_shaking_hands_) return shake_hands();
      is_backlogged_ = false;
      last_byte_at_ = Clock::now();  // While we did not read, its silence was ours.
      return answer_held();
    case Wake::TimedOut:
      return on_deadline();
    case Wake::Failed:
      return EndReason::ClientReset;
    case Wake::Told:
      if (is_aborting_ || is_abrupt(ending_) || is_shaking_hands_) return ending_;
      // One more look: what the client sent before it could know must not be lost.
      return is_backlogged_ ? End{} : on_input();
  }
  CHATGATE_ASSERT(false);
}

void Session::end(EndReason reason, bool abort) {
  if (is_parting_ && !is_abrupt(reason) && !abort) return;
  // The first reason stands, unless the new one cannot wait for it.
  if (!is_ending_ || is_abrupt(reason) || abort) {
    is_ending_ = true;
    ending_ = reason;
  }
  is_aborting_ = is_aborting_ || abort;
  connection_.tell();
}

void Session::end_at(EndReason reason, Clock::time_point when) {
  rare().end_at = when;
  rare().end_at_reason = reason;
  arm();
}

bool Session::is_idle() const noexcept {
  return connection_.queued() == 0 && !held_ && !framer_.has_partial();
}

SessionState Session::state() const noexcept {
  if (is_parting_) return SessionState::Leaving;
  if (is_shaking_hands_) return SessionState::ShakingHands;
  if (is_backlogged_) return SessionState::Backlogged;
  return framer_.has_partial() ? SessionState::Reading : SessionState::Idle;
}

OpenSession Session::describe() const {
  return {.record = record_,
          .listener_name = listener_.name,
          .worker = worker_.index(),
          .last_byte_at = last_byte_at_,
          .queued_bytes = connection_.queued(),
          .state = state(),
          .speaks_telnet = telnet_ != nullptr};
}

// Counts and logs the session: the one place where an end becomes visible.
void Session::settle(EndReason reason) {
  auto& counts = counters();
  const auto duration = Clock::now() - record_.accepted_at;
  counts.closed[static_cast<std::size_t>(reason)].add();
  counts.duration.observe(static_cast<std::uint64_t>(duration.count()));
  counts.messages_each.observe(record_.messages);
  counts.received_bytes_each.observe(record_.received_bytes);
  counts.sent_bytes_each.observe(record_.sent_bytes);
  if (const auto offence = offence_of(reason, record_.messages)) {
    ticket_.penalize(*offence, Clock::now());
  }
  auto& context = worker_.context();
  context.closed.add({.record = record_,
                      .reason = reason,
                      .listener_name = listener_.name,
                      .ended_at = std::chrono::system_clock::now(),
                      .duration = duration});
  if (!profile().log_sessions || !context.log.enabled(telemetry::LogLevel::Info)) return;
  context.log.info("session_closed", {{"id", record_.id.value},
                                      {"peer", net::to_text(record_.peer)},
                                      {"listener", profile().name},
                                      {"reason", token(reason)},
                                      {"duration", duration},
                                      {"messages", record_.messages},
                                      {"received_bytes", record_.received_bytes},
                                      {"sent_bytes", record_.sent_bytes}});
}

}  // namespace chatgate::session
