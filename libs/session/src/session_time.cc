#include <algorithm>

#include <chatgate/net/listen_options.h>
#include <chatgate/session/session.h>

// Deadlines and slow readers: what makes a session end when its client does nothing.

namespace chatgate::session {
namespace {

using Clock = base::Clock;

constexpr Clock::time_point kNever = Clock::time_point::max();

bool is_set(Clock::time_point time) noexcept { return time != Clock::time_point{}; }

// When something that began at `since` has lasted too long; a limit of 0 is off.
Clock::time_point due(Clock::time_point since, std::chrono::nanoseconds limit) noexcept {
  return is_set(since) && limit.count() > 0 ? since + limit : kNever;
}

}  // namespace

Session::Rare& Session::rare() {
  if (!rare_) rare_ = std::make_unique<Rare>();
  return *rare_;
}

TimeoutOptions Session::present_timeouts() const noexcept {
  return timeouts_at(worker_.overload(), profile().timeouts, profile().overload_timeouts);
}

// The deadlines in force, in the order in which they are looked at when several have passed.
Session::Deadlines Session::deadlines() const noexcept {
  const auto timeouts = present_timeouts();
  const auto rare = rare_ ? *rare_ : Rare{};
  const bool waits_for_writing = connection_.queued() > 0;
  const auto stalled_since = waits_for_writing ? connection_.stalled_since() : Clock::time_point{};
  // A client that we do not read is not silent: the limits of slow readers are for it.
  const auto silent_since = is_backlogged_ ? Clock::time_point{} : last_byte_at_;
  const auto mute_since = record_.messages == 0 ? greeted_at_ : Clock::time_point{};
  const auto shaking_since = is_shaking_hands_ ? last_byte_at_ : Clock::time_point{};
  return {{
      {is_set(rare.end_at) ? rare.end_at : kNever, rare.end_at_reason},
      {due(rare.above_soft_since, profile().output.soft_time), EndReason::SlowSoft},
      {due(stalled_since, timeouts.write), EndReason::WriteTimeout},
      {due(line_started_at_, timeouts.line), EndReason::LineTimeout},
      {due(mute_since, timeouts.first_message), EndReason::FirstMessageTimeout},
      {due(silent_since, timeouts.idle), EndReason::IdleTimeout},
      {due(shaking_since, timeouts.tls_handshake), EndReason::TlsTimeout},
      {is_set(rare.lifetime_end) ? rare.lifetime_end : kNever, EndReason::MaxLifetime},
  }};
}

Clock::time_point Session::idle_warning_at() const noexcept {
  const auto idle = present_timeouts().idle;
  const bool warns = !is_warned_ && !is_backlogged_ && !profile().idle_warning.empty();
  return warns && idle > kIdleWarningLead ? last_byte_at_ + idle - kIdleWarningLead : kNever;
}

// While nothing is under way, keepalive alone tells whether the peer lives. With a user time-out it
// would not get its three probes: after a minute of silence that has long passed when the first one
// is unanswered, and one lost packet would end a session that nobody misses.
Clock::time_point Session::probes_alone_at() const noexcept {
  const bool is_at_rest = !is_shaking_hands_ && !is_left_to_probes_ && connection_.queued() == 0;
  return is_at_rest ? due(last_byte_at_, profile().timeouts.probes) : kNever;
}

void Session::leave_to_probes() noexcept {
  is_left_to_probes_ = true;
  connection_.set_user_timeout({});
}

void Session::take_from_probes() noexcept {
  is_left_to_probes_ = false;
  has_nearer_deadline_ = true;
  connection_.set_user_timeout(net::KeepaliveOptions{}.user_timeout);
}

// Sets the timer to the nearest deadline. A deadline that moves away later needs no call: the timer
// fires in vain then, and is set anew.
void Session::arm() {
  has_nearer_deadline_ = false;
  armed_generation_ = listener_.generation;
  if (is_parting_) return;  // The goodbye has its own deadlines.
  auto next = std::min(idle_warning_at(), probes_alone_at());
  for (const auto& deadline : deadlines()) next = std::min(next, deadline.at);
  if (next == kNever) return connection_.clear_deadline();
  connection_.set_deadline(next);
}

Session::End Session::on_deadline() {
  const auto now = Clock::now();
  for (const auto& deadline : deadlines()) {
    if (deadline.at > now) continue;
    const bool is_ours =
        deadline.reason == EndReason::Drain || deadline.reason == EndReason::MaxLifetime;
    if (!is_ours || is_shaking_hands_) return deadline.reason;
    // Whom we send away for our own reasons is owed the answers to what was sent before.
    rare().end_at = rare().lifetime_end = {};
    is_ending_ = true;
    ending_ = deadline.reason;
    return is_backlogged_ ? End{} : on_input();
  }
  if (idle_warning_at() <= now) {
    is_warned_ = true;
    say(profile().idle_warning);
  }
  if (probes_alone_at() <= now) leave_to_probes();
  return {};
}

// Tells the worker how much waits for this client, and notes since when that is too much.
void Session::account_output() {
  const auto queued = connection_.queued();
  const auto change =
      static_cast<std::ptrdiff_t>(queued) - static_cast<std::ptrdiff_t>(accounted_bytes_);
  accounted_bytes_ = static_cast<std::uint32_t>(queued);
  worker_.account_queued(change, profile().output.budget);
  has_nearer_deadline_ = has_nearer_deadline_ || change > 0;
  if (queued > profile().output.soft.count) {
    if (!is_set(rare().above_soft_since)) rare().above_soft_since = Clock::now();
  } else if (rare_) {
    rare_->above_soft_since = {};
  }
}

void Session::on_flushed(std::size_t bytes) {
  record_.sent_bytes += bytes;
  counters().sent_bytes.add(bytes);
  account_output();
}

void Session::on_reply_flushed(Clock::time_point asked_at, Clock::time_point now) {
  counters().replies.add();
  counters().reply_delay.observe(static_cast<std::uint64_t>((now - asked_at).count()));
}

}  // namespace chatgate::session
