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

Session::Session(Worker& worker, Arrival arrival)
    : worker_{worker},
      listener_{worker.listener(arrival.listener)},
      ticket_{std::move(arrival.ticket)},
      connection_{worker.loop(), std::move(arrival.socket), *this},
      record_{.id = arrival.id,
              .listener = arrival.listener,
              .peer = arrival.peer,
              .accepted_at = arrival.accepted_at} {
  worker_.enlist(*this);
}

Session::~Session() {
  worker_.account_queued(-static_cast<std::ptrdiff_t>(accounted_bytes_), profile().output.budget);
  worker_.strike(*this);
}

net::RootTask Session::serve(Worker& worker, Arrival arrival) {
  {
    Session session{worker, std::move(arrival)};
    auto reason = EndReason::InternalError;
    try {
      if (const auto error = session.connection_.open()) {
        worker.context().log.write_limited(
            telemetry::LogLevel::Error, "session_refused_by_kernel",
            {{"id", session.record_.id.value}, {"error", error.message()}});
      } else {
        auto conversation = session.converse();
        reason = co_await conversation;
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

Task<EndReason> Session::converse() {
  if (const auto end = greet()) co_return *end;
  while (true) {
    arm();
    auto next = is_backlogged_
                    ? connection_.drained(profile().output.soft.count / 2, kUnansweredMax / 2)
                    : connection_.readable();
    const Wake wake = co_await next;
    if (const auto end = on_wake(wake)) co_return *end;
  }
}

// Says goodbye as the reason deserves, which may turn out to be another one.
Task<EndReason> Session::part(EndReason reason) {
  if (is_abrupt(reason) || is_aborting_) {
    connection_.abort_on_close();
    co_return reason;
  }
  if (reason == EndReason::ClientReset) co_return reason;
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

Session::End Session::greet() {
  const auto now = Clock::now();
  greeted_at_ = last_byte_at_ = now;
  if (const auto lifetime = profile().timeouts.max_lifetime; lifetime.count() > 0) {
    // Jittered, so that those who came together do not have to come back together.
    std::uniform_real_distribution<double> share{0.9, 1.0};
    const auto jittered = static_cast<double>(lifetime.count()) * share(worker_.random());
    lifetime_end_ = now + std::chrono::nanoseconds{static_cast<std::int64_t>(jittered)};
  }
  render(profile().greeting, {});
  const auto end = send_batch();
  counters().greeting_delay.observe(
      static_cast<std::uint64_t>((Clock::now() - record_.accepted_at).count()));
  return end;
}

Session::End Session::on_wake(Wake wake) {
  switch (wake) {
    case Wake::Ready:
      if (!is_backlogged_) return on_input();
      is_backlogged_ = false;
      last_byte_at_ = Clock::now();  // While we did not read, its silence was ours.
      return answer_held();
    case Wake::TimedOut:
      return on_deadline();
    case Wake::Failed:
      return EndReason::ClientReset;
    case Wake::Told:
      if (is_aborting_ || is_abrupt(ending_)) return ending_;
      // One more look: what the client sent before it could know must not be lost.
      return is_backlogged_ ? End{} : on_input();
  }
  CHATGATE_ASSERT(false);
}

Session::End Session::on_input() {
  const bool reads_whole = profile().service.framing == Framing::Read;
  const std::size_t most = reads_whole ? profile().service.max_message.count : kReadBytesMax;
  const std::size_t half = held_ ? held_->size() : 0;  // Of a character, from the last read.
  const auto read = connection_.read(worker_.loop().scratch().first(most - half));
  switch (read.kind) {
    case Connection::Read::Kind::Nothing:
      return is_ending_ ? End{ending_} : End{};
    case Connection::Read::Kind::Failed:
      return EndReason::ClientReset;
    case Connection::Read::Kind::Eof:
      return on_eof();
    case Connection::Read::Kind::Data:
      break;
  }
  is_warned_ = false;
  record_.received_bytes += read.size;
  counters().received_bytes.add(read.size);
  const std::string_view input{worker_.loop().scratch().data(), read.size};
  if (!sniffer_.done()) {
    if (const auto wrong = sniffer_.feed(input)) return refuse_protocol(*wrong);
  }
  if (const auto end = answer(input)) return end;
  note_input();
  return is_ending_ && !is_backlogged_ ? End{ending_} : End{};
}

// Where the deadlines of silence and of an unfinished line count from.
void Session::note_input() {
  // A reply that was just sent has read the clock already.
  if (last_byte_at_ <= worker_.loop().batch_time()) last_byte_at_ = Clock::now();
  if (!framer_.has_partial()) {
    line_started_at_ = {};
  } else if (line_started_at_ == Clock::time_point{}) {
    line_started_at_ = last_byte_at_;
  }
}

Session::End Session::answer_held() {
  if (const auto input = std::exchange(held_, nullptr)) {
    if (const auto end = answer(*input)) return end;
    note_input();
  }
  return is_ending_ && !is_backlogged_ ? End{ending_} : End{};
}

// The client sends no more: its unfinished line, or half character, is its last message.
Session::End Session::on_eof() {
  has_ended_ = true;
  End end;
  if (profile().service.framing == Framing::Read) {
    const auto half = std::exchange(held_, nullptr);
    if (half) end = answer_message(*half);
  } else if (const auto last = framer_.finish()) {
    end = answer_message(*last);
  }
  if (const auto failure = send_batch()) return failure;
  return end ? end : End{is_ending_ ? ending_ : EndReason::ClientEof};
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
  end_at_ = when;
  end_at_reason_ = reason;
  arm();
}

bool Session::is_idle() const noexcept {
  return connection_.queued() == 0 && !held_ && !framer_.has_partial();
}

SessionState Session::state() const noexcept {
  if (is_parting_) return SessionState::Leaving;
  if (is_backlogged_) return SessionState::Backlogged;
  return framer_.has_partial() ? SessionState::Reading : SessionState::Idle;
}

OpenSession Session::describe() const {
  return {.record = record_,
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
  auto& context = worker_.context();
  context.closed.add({.record = record_,
                      .reason = reason,
                      .listener_name = profile().name,
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
