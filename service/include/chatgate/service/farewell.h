#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include <chatgate/base/strong_id.h>
#include <chatgate/base/units.h>
#include <chatgate/net/alarm.h>
#include <chatgate/net/event_loop.h>
#include <chatgate/service/gateway_config.h>
#include <chatgate/session/worker.h>

namespace chatgate::service {

/// Sends the sessions of some listeners away, politely and in bounded time: notice, spread,
/// deadline (phases 3 to 5 of a drain). The listeners accept no more when it starts.
///
/// Threads: confined to the control loop.
/// Lifetime: may be destroyed at any time; what it has told the workers stays told.
class Farewell {
 public:
  using Clock = base::Clock;

  enum class Phase : std::uint8_t { Notice = 3, Spread = 4, Deadline = 5 };

  /// Starts at once. `deadline` is when the last session is reset; `on_phase` hears of each phase,
  /// and `on_over` is called at the deadline.
  Farewell(net::EventLoop& control, const std::vector<std::unique_ptr<session::Worker>>& workers,
           std::vector<base::ListenerId> listeners, DrainOptions options,
           Clock::time_point deadline, std::function<void(Phase)> on_phase,
           std::function<void()> on_over);

  /// Jumps to the last phase: everybody is sent away now, and reset after `linger`.
  void hurry();

  Clock::time_point deadline() const noexcept { return deadline_; }

 private:
  void give_notice();
  void begin_spread();
  void finish();
  void at(Clock::time_point when, void (Farewell::*step)());
  void abort();

  const std::vector<std::unique_ptr<session::Worker>>& workers_;
  const std::vector<base::ListenerId> listeners_;
  const DrainOptions options_;
  Clock::time_point deadline_;
  const std::function<void(Phase)> on_phase_;
  const std::function<void()> on_over_;
  net::Alarm next_step_;
};

}  // namespace chatgate::service
