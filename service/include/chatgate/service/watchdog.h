#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include <chatgate/base/units.h>
#include <chatgate/telemetry/log.h>

namespace chatgate::service {

/// Tells the service manager's watchdog that every thread of the gateway advances, and if one does
/// not, which: then the log names it, and the manager is asked to start us anew.
///
/// `WATCHDOG=1` is said four times in a period, but only if every thread advanced since it was said
/// last. A thread that has not advanced for three quarters of a period is stuck: its name is
/// logged, and `WATCHDOG=trigger` follows as soon as that line is written, within the period.
///
/// Threads: look() on the main thread, look_at_main() on the control loop.
class Watchdog {
 public:
  using Clock = base::Clock;

  /// A thread, and how long ago it last advanced.
  struct Watched {
    std::string name;
    std::function<Clock::duration()> since_advance;
  };

  /// Sends assignments to the manager: notify_service_manager(), or a test's ear.
  using Notify = std::function<void(const std::string&)>;

  /// With a `period` of 0 nobody watches, and nothing is said.
  Watchdog(std::chrono::nanoseconds period, std::vector<Watched> threads, telemetry::Log& log,
           Notify notify);

  /// Looks at every other thread, and says what is due. Call it often: ten times a second.
  void look(Clock::time_point now);

  /// Looks whether look() is still being called, from the first call on.
  void look_at_main(Clock::time_point now);

 private:
  void accuse(const std::string& name, Clock::duration pause);
  void trigger_once_logged(Clock::time_point now);
  std::uint64_t lines_done() const;

  const std::chrono::nanoseconds period_;
  const std::vector<Watched> threads_;
  telemetry::Log& log_;
  const Notify notify_;

  std::atomic<Clock::rep> looked_at_{0};  // By look(); 0 = never.

  // The main thread's.
  Clock::time_point beaten_at_;   // When WATCHDOG=1 was said.
  Clock::time_point resumed_at_;  // When this process last ran again after a pause of its own.
  bool is_accused_ = false;
  bool is_triggered_ = false;
  Clock::time_point accused_at_;
  std::uint64_t lines_before_ = 0;

  // The control loop's.
  Clock::time_point checked_main_at_;
  Clock::time_point control_resumed_at_;
  bool is_main_accused_ = false;
};

}  // namespace chatgate::service
