#pragma once

#include <chrono>
#include <functional>

#include <chatgate/base/units.h>
#include <chatgate/net/ready_set.h>
#include <chatgate/net/unique_fd.h>

namespace chatgate::net {

/// A timer of the kernel in a ready set (timerfd_create(2)): for the tick of a loop, and for what
/// is rare and shorter than a tick. Sessions wait on the TimerWheel instead.
///
/// Threads: confined to the ready set's. Lifetime: the ready set outlives it.
class TimerDescriptor final : private ReadySet::Handler {
 public:
  using Clock = base::Clock;

  /// Calls `on_expiry` each time the timer expires; it must not destroy the timer. Throws
  /// std::system_error when the system has no descriptor left.
  TimerDescriptor(ReadySet& ready_set, std::function<void()> on_expiry);
  ~TimerDescriptor();
  TimerDescriptor(const TimerDescriptor&) = delete;
  TimerDescriptor& operator=(const TimerDescriptor&) = delete;

  /// Expires once at `when`, in place of what was set before.
  void set(Clock::time_point when) noexcept { arm(when, {}); }

  /// Expires at `first` and then every `interval`. Expiries that nobody had time for count as one.
  void set_periodic(Clock::time_point first, Clock::duration interval) noexcept {
    arm(first, interval);
  }

 private:
  void arm(Clock::time_point first, Clock::duration interval) noexcept;
  void on_ready(std::uint32_t events) override;

  ReadySet& ready_set_;
  const std::function<void()> on_expiry_;
  const UniqueFd timer_;
};

}  // namespace chatgate::net
