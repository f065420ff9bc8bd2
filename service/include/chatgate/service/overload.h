#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <chatgate/admission/admission.h>
#include <chatgate/admission/overload.h>
#include <chatgate/base/units.h>
#include <chatgate/service/gateway_config.h>
#include <chatgate/service/memory_meter.h>
#include <chatgate/session/worker.h>
#include <chatgate/telemetry/log.h>

namespace chatgate::service {

/// Looks after places and memory, and tells admission and the workers when to defend themselves.
///
/// Threads: members under "the control loop" there, the others from any thread.
/// Lifetime: admission, workers and log outlive it.
class Overload {
 public:
  using Workers = std::vector<std::unique_ptr<session::Worker>>;

  Overload(telemetry::Log& log, admission::Admission& admission, const Workers& workers)
      : log_{log}, admission_{admission}, workers_{workers} {}

  // The control loop.

  /// Takes new settings, from the next look on.
  void apply(const OverloadConfig& config, const LimitsConfig& limits);

  /// Takes a look, and does what follows from it. Cost: some 50 µs, ten times a second.
  void look(base::Clock::time_point now);

  /// Begins an overload at once, until release(). False when `overload.mode` is off.
  bool force(base::Clock::time_point now);

  /// Ends what was forced. False when nothing was.
  bool release(base::Clock::time_point now);

  // Any thread.

  struct View {
    admission::OverloadLevel level = admission::OverloadLevel::None;
    std::optional<admission::OverloadCause> cause;  // None without an overload.
    base::Bytes memory_used;
    base::Bytes memory_budget;
  };
  View view() const noexcept;

 private:
  double memory_share();
  void enforce(const admission::OverloadWatch::State& state, double memory_share);
  void tell(const admission::OverloadWatch::State& state, base::Clock::time_point now);

  telemetry::Log& log_;
  admission::Admission& admission_;
  const Workers& workers_;

  // The control loop's.
  OverloadConfig config_;
  bool is_limited_ = true;     // The limits on places are enforced.
  bool counts_places_ = true;  // And nobody waits for one in the kernel's queue.
  MemoryMeter meter_;
  admission::OverloadWatch watch_;
  admission::OverloadLevel told_ = admission::OverloadLevel::None;     // To people.
  admission::OverloadLevel ordered_ = admission::OverloadLevel::None;  // To workers.
  base::Clock::time_point began_at_;
  std::uint32_t looks_ = 0;

  // Written by the control loop, read by any thread.
  std::atomic<admission::OverloadLevel> level_{admission::OverloadLevel::None};
  std::atomic<admission::OverloadCause> cause_{admission::OverloadCause::Connections};
  std::atomic<std::size_t> memory_used_{0};
  std::atomic<std::size_t> memory_budget_{0};
};

}  // namespace chatgate::service
