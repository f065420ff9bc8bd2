#pragma once

#include <array>
#include <chrono>
#include <cstdint>

#include <chatgate/base/units.h>

namespace chatgate::net {

class TimerWheel;

/// A deadline of one object, kept in a TimerWheel.
///
/// Lifetime: leaves its wheel when it is destroyed.
class Timer {
 public:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

 protected:
  ~Timer() { unlink(); }

 private:
  friend class TimerWheel;

  /// Called on the wheel's thread once the deadline has passed; may arm or destroy the timer.
  virtual void on_deadline() = 0;

  bool is_linked() const noexcept { return next_ != this; }
  void unlink() noexcept {
    previous_->next_ = next_;
    next_->previous_ = previous_;
    next_ = previous_ = this;
  }

  Timer* next_ = this;
  Timer* previous_ = this;
  std::uint32_t due_ = 0;     // The tick of the deadline.
  std::uint32_t linked_ = 0;  // The tick of the slot that holds the timer: never after due_.
};

/// Deadlines of many objects at a constant price: a hashed timing wheel (Varghese and Lauck, 1987).
///
/// A deadline fires at the first tick at or after it: at most one tick late, never early. To move a
/// deadline later is one store; the timer is moved when its old slot comes round.
///
/// Threads: confined to one thread. Cost: O(1) to arm and disarm.
class TimerWheel {
 public:
  using Clock = base::Clock;

  static constexpr std::chrono::milliseconds kTick{100};

  explicit TimerWheel(Clock::time_point start) noexcept : start_{start} {}

  /// Sets the deadline of `timer`, in place of an earlier one. A deadline that has passed fires at
  /// the next tick.
  void arm(Timer& timer, Clock::time_point deadline) noexcept;

  /// Forgets the deadline of `timer`, if it has one.
  void disarm(Timer& timer) noexcept { timer.unlink(); }

  /// Fires everything that is due at `now`.
  void advance(Clock::time_point now);

  /// When the next tick is.
  Clock::time_point next_tick() const noexcept { return start_ + (tick_ + 1) * kTick; }

 private:
  // 512 slots of 100 ms: a timer that is due later than 51 s passes through the wheel repeatedly.
  static constexpr std::uint32_t kSlots = 512;

  struct Slot final : Timer {
    void on_deadline() override {}
  };

  void link(Timer& timer) noexcept;

  const Clock::time_point start_;
  std::uint32_t tick_ = 0;  // Wraps after 13 years.
  std::array<Slot, kSlots> slots_;
};

}  // namespace chatgate::net
