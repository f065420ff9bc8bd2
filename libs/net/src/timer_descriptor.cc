#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

#include <sys/timerfd.h>
#include <unistd.h>

#include <chatgate/base/assert.h>
#include <chatgate/net/timer_descriptor.h>

namespace chatgate::net {
namespace {

timespec to_timespec(std::chrono::nanoseconds time) noexcept {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  return {.tv_sec = seconds.count(), .tv_nsec = (time - seconds).count()};
}

// base::Clock is CLOCK_MONOTONIC.
UniqueFd make_timer() {
  UniqueFd timer{::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)};
  if (!timer) throw std::system_error{errno, std::generic_category(), "timerfd_create"};
  return timer;
}

}  // namespace

TimerDescriptor::TimerDescriptor(ReadySet& ready_set, std::function<void()> on_expiry)
    : ready_set_{ready_set}, on_expiry_{std::move(on_expiry)}, timer_{make_timer()} {
  if (const auto error = ready_set_.add(timer_.get(), EPOLLIN, *this)) {
    throw std::system_error{error, "cannot await a timer"};
  }
}

TimerDescriptor::~TimerDescriptor() { ready_set_.remove(*this); }

void TimerDescriptor::arm(Clock::time_point first, Clock::duration interval) noexcept {
  const ::itimerspec setting{.it_interval = to_timespec(interval),
                             .it_value = to_timespec(first.time_since_epoch())};
  const int result = ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &setting, nullptr);
  CHATGATE_ASSERT(result == 0);
}

void TimerDescriptor::on_ready(std::uint32_t /*events*/) {
  std::uint64_t expiries = 0;
  // A periodic timer goes on only once it is read.
  if (::read(timer_.get(), &expiries, sizeof expiries) == sizeof expiries) on_expiry_();
}

}  // namespace chatgate::net
