#include "operation.h"

#include <chrono>
#include <memory>
#include <vector>

#include <benchmark/benchmark.h>

#include <chatgate/net/timer_wheel.h>

namespace chatgate::bench {
namespace {

using Clock = net::TimerWheel::Clock;
using namespace std::chrono_literals;

constexpr std::size_t kTimers = 1'000'000;
constexpr auto kDeadline = 15min;  // timeouts.idle as it is by default.

/// A wheel with a million deadlines, spread over the time that they have.
class FullWheel {
 public:
  FullWheel() {
    for (std::size_t i = 0; i < kTimers; ++i) {
      auto& timer = timers_[i];
      timer.owner = this;
      wheel_.arm(timer, now_ + kDeadline * (i + 1) / kTimers);
    }
  }

  void arm_and_disarm() {
    wheel_.arm(extra_, now_ + kDeadline);
    wheel_.disarm(extra_);
  }
  void arm_later() {
    later_ += 1ms;
    wheel_.arm(next(), later_);
  }
  void arm_sooner() {
    auto& timer = next();
    wheel_.arm(timer, now_);
    wheel_.arm(timer, now_ + kDeadline);
  }
  void tick() {
    now_ += net::TimerWheel::kTick;
    wheel_.advance(now_);
  }

 private:
  class Deadline final : public net::Timer {
   public:
    FullWheel* owner = nullptr;

   private:
    void on_deadline() override { owner->wheel_.arm(*this, owner->now_ + kDeadline); }
  };

  Deadline& next() { return timers_[next_ = (next_ + 1) % kTimers]; }

  Clock::time_point now_{};
  Clock::time_point later_ = now_ + kDeadline;
  net::TimerWheel wheel_{now_};
  std::vector<Deadline> timers_{kTimers};
  Deadline extra_;
  std::size_t next_ = 0;
};

Repeat on_full_wheel(void (FullWheel::*once)()) {
  return repeated([wheel = std::make_shared<FullWheel>(), once] { ((*wheel).*once)(); });
}

}  // namespace

std::vector<Operation> net_operations() {
  return {
      {"timers/arm_and_disarm", 1, [] { return on_full_wheel(&FullWheel::arm_and_disarm); }},
      {"timers/arm_later", 1, [] { return on_full_wheel(&FullWheel::arm_later); }},
      {"timers/arm_sooner_and_back", 1, [] { return on_full_wheel(&FullWheel::arm_sooner); }},
      {"timers/tick", 1, [] { return on_full_wheel(&FullWheel::tick); }},
  };
}

}  // namespace chatgate::bench
