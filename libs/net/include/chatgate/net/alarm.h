#pragma once

#include <functional>
#include <utility>

#include <chatgate/net/event_loop.h>

namespace chatgate::net {

/// Does something once, later: for what is rare, on the wheel that sessions use.
///
/// Threads: confined to `loop`. Lifetime: destroying it forgets the action; the action may do that.
class Alarm final : private Timer {
 public:
  explicit Alarm(EventLoop& loop) noexcept : loop_{loop} {}

  /// Does `action` at `when`, at most one tick late, in place of what was set before.
  void set(EventLoop::Clock::time_point when, std::function<void()> action) {
    action_ = std::move(action);
    loop_.timers().arm(*this, when);
  }

  /// Forgets the action.
  void cancel() noexcept { loop_.timers().disarm(*this); }

 private:
  void on_deadline() override { std::exchange(action_, nullptr)(); }

  EventLoop& loop_;
  std::function<void()> action_;
};

}  // namespace chatgate::net
