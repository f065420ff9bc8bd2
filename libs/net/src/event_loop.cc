#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

#include <pthread.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <chatgate/net/event_loop.h>

namespace chatgate::net {
namespace {

thread_local const EventLoop* t_current_loop = nullptr;

UniqueFd make_event() {
  UniqueFd event{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
  if (!event) throw std::system_error{errno, std::generic_category(), "eventfd"};
  return event;
}

}  // namespace

EventLoop::WakeUp::WakeUp(ReadySet& ready_set) : event_{make_event()} {
  // Edge-triggered: each write is an event, and the counter, which holds 2^64 of them, needs no
  // reading.
  if (const auto error = ready_set.add(event_.get(), EPOLLIN | EPOLLET, *this)) {
    throw std::system_error{error, "cannot await a wake-up"};
  }
}

void EventLoop::WakeUp::ring() const noexcept {
  constexpr std::uint64_t kOne = 1;
  [[maybe_unused]] const auto ignored = ::write(event_.get(), &kOne, sizeof kOne);
}

EventLoop::EventLoop(std::string name, std::function<void(Clock::duration)> on_tick)
    : name_{std::move(name)},
      on_tick_{std::move(on_tick)},
      keep_running_{io_.get_executor()},
      timers_{Clock::now()},
      tick_timer_{ready_set_, [this] { on_tick_due(); }},
      batch_time_{Clock::now()},
      scratch_(kScratchBytes),
      last_tick_{batch_time_.time_since_epoch().count()},
      thread_{[this] { run_thread(); }} {}

EventLoop::~EventLoop() {
  is_stopping_.store(true);
  wake_up_.ring();
  thread_.join();
}

bool EventLoop::is_current_thread() const noexcept { return t_current_loop == this; }

EventLoop::Clock::duration EventLoop::since_last_tick() const noexcept {
  const Clock::duration last{last_tick_.load(std::memory_order_relaxed)};
  return Clock::now().time_since_epoch() - last;
}

std::chrono::nanoseconds EventLoop::cpu_time() const noexcept {
  timespec used{};
  if (::clock_gettime(cpu_clock_.load(std::memory_order_relaxed), &used) != 0) return {};
  return std::chrono::seconds{used.tv_sec} + std::chrono::nanoseconds{used.tv_nsec};
}

void EventLoop::run_thread() {
  t_current_loop = this;
  clockid_t clock{};
  if (::pthread_getcpuclockid(::pthread_self(), &clock) == 0) cpu_clock_.store(clock);
  ::pthread_setname_np(::pthread_self(), name_.substr(0, 15).c_str());
  tick_timer_.set_periodic(timers_.next_tick(), TimerWheel::kTick);
  const std::function<void()> note_time = [this] { batch_time_ = Clock::now(); };
  // No catch: coroutine roots report their own failures, so an exception that gets here is a bug,
  // and std::terminate leaves a core that still holds the guilty stack.
  while (!is_stopping_.load(std::memory_order_relaxed)) {
    ready_set_.serve_turn(!has_posts_.load(), note_time);
    if (has_posts_.load()) run_posts();
  }
}

// Who posts sets the flag after the work is queued; it is cleared here before the queue is looked
// into, so no work is left behind a flag that is down.
void EventLoop::run_posts() {
  has_posts_.store(false);
  for (int i = 0; i < kPostsPerTurnMax; ++i) {
    if (io_.poll_one() == 0) return;
  }
  has_posts_.store(true);
}

void EventLoop::on_tick_due() {
  const auto due = timers_.next_tick();
  last_tick_.store(batch_time_.time_since_epoch().count(), std::memory_order_relaxed);
  on_tick_(batch_time_ - due);
  timers_.advance(batch_time_);
}

}  // namespace chatgate::net
