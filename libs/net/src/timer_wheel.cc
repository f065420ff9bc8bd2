#include <algorithm>
#include <cstdint>
#include <limits>

#include <chatgate/net/timer_wheel.h>

namespace chatgate::net {
namespace {

std::int64_t ticks_up(TimerWheel::Clock::duration span) {
  constexpr TimerWheel::Clock::duration kTick = TimerWheel::kTick;
  return span / kTick + (span % kTick > TimerWheel::Clock::duration::zero() ? 1 : 0);
}

}  // namespace

void TimerWheel::arm(Timer& timer, Clock::time_point deadline) noexcept {
  const auto due = std::clamp<std::int64_t>(ticks_up(deadline - start_), std::int64_t{tick_} + 1,
                                            std::numeric_limits<std::uint32_t>::max());
  timer.due_ = static_cast<std::uint32_t>(due);
  if (timer.is_linked() && timer.linked_ <= timer.due_) return;
  timer.unlink();
  link(timer);
}

void TimerWheel::link(Timer& timer) noexcept {
  timer.linked_ = std::min(timer.due_, tick_ + kSlots - 1);
  auto& slot = slots_[timer.linked_ % kSlots];
  timer.previous_ = slot.previous_;
  timer.next_ = &slot;
  slot.previous_->next_ = &timer;
  slot.previous_ = &timer;
}

void TimerWheel::advance(Clock::time_point now) {
  const auto target = static_cast<std::uint32_t>((now - start_) / Clock::duration{kTick});
  while (tick_ < target) {
    ++tick_;
    auto& slot = slots_[tick_ % kSlots];
    while (slot.is_linked()) {
      auto& timer = *slot.next_;
      timer.unlink();
      if (timer.due_ <= tick_) {
        timer.on_deadline();
      } else {
        link(timer);
      }
    }
  }
}

}  // namespace chatgate::net
