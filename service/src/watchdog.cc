#include <algorithm>
#include <utility>

#include <chatgate/service/watchdog.h>

namespace chatgate::service {
namespace {

// The log's own thread may be as stuck as the one that is accused.
constexpr std::chrono::seconds kLogPatience{1};

}  // namespace

Watchdog::Watchdog(std::chrono::nanoseconds period, std::vector<Watched> threads,
                   telemetry::Log& log, Notify notify)
    : period_{period}, threads_{std::move(threads)}, log_{log}, notify_{std::move(notify)} {}

void Watchdog::look(Clock::time_point now) {
  if (period_.count() == 0) return;
  const auto looked_at = looked_at_.exchange(now.time_since_epoch().count());
  if (looked_at == 0) beaten_at_ = now;
  // A machine that stood still has stopped every thread alike, and none of them is to blame.
  const Clock::time_point before{Clock::duration{looked_at}};
  if (now - before > period_ / 8) resumed_at_ = now;
  if (is_accused_) return trigger_once_logged(now);

  Clock::duration longest{0};
  for (const auto& [name, since_advance] : threads_) {
    const auto pause = since_advance();
    longest = std::max(longest, pause);
    if (std::min(pause, now - resumed_at_) > period_ * 3 / 4) accuse(name, pause);
  }
  if (is_accused_) {
    accused_at_ = now;
    return trigger_once_logged(now);
  }
  const auto since_beat = now - beaten_at_;
  if (since_beat < period_ / 4 || longest >= since_beat) return;
  beaten_at_ = now;
  notify_("WATCHDOG=1");
}

void Watchdog::accuse(const std::string& name, Clock::duration pause) {
  if (!is_accused_) lines_before_ = lines_done();
  is_accused_ = true;
  log_.error("thread_stuck", {{"thread", name}, {"pause", pause}, {"watchdog", period_}});
}

// The manager kills us at once: a line that is still queued would be lost with its queue.
void Watchdog::trigger_once_logged(Clock::time_point now) {
  const bool is_logged = lines_done() > lines_before_;
  if (is_triggered_ || (!is_logged && now - accused_at_ < kLogPatience)) return;
  is_triggered_ = true;
  notify_("WATCHDOG=trigger");
}

std::uint64_t Watchdog::lines_done() const {
  const auto counts = log_.counts();
  return counts.written + counts.failed + counts.overrun;
}

void Watchdog::look_at_main(Clock::time_point now) {
  if (now - std::exchange(checked_main_at_, now) > period_ / 8) control_resumed_at_ = now;
  const auto looked_at = looked_at_.load();
  if (period_.count() == 0 || looked_at == 0 || is_main_accused_) return;
  const auto pause = now - Clock::time_point{Clock::duration{looked_at}};
  if (std::min(pause, now - control_resumed_at_) <= period_ * 3 / 4) return;
  // No trigger: without the main thread nobody says WATCHDOG=1, and the line gets time to be
  // written before the period is over.
  is_main_accused_ = true;
  log_.error("thread_stuck", {{"thread", "main"}, {"pause", pause}, {"watchdog", period_}});
}

}  // namespace chatgate::service
