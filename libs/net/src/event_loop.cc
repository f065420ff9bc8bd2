#include <utility>

#include <pthread.h>
#include <time.h>

#include <chatgate/net/event_loop.h>

namespace chatgate::net {
namespace {

thread_local const EventLoop* t_current_loop = nullptr;

}  // namespace

EventLoop::EventLoop(std::string name, std::function<void(Clock::duration)> on_tick)
    : name_{std::move(name)},
      on_tick_{std::move(on_tick)},
      keep_running_{io_.get_executor()},
      ready_set_{io_},
      timers_{Clock::now()},
      tick_timer_{io_},
      batch_time_{Clock::now()},
      scratch_(kScratchBytes),
      last_tick_{batch_time_.time_since_epoch().count()},
      thread_{[this] { run_thread(); }} {}

EventLoop::~EventLoop() {
  io_.stop();
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
  ready_set_.start([this] { batch_time_ = Clock::now(); });
  await_tick();
  // No catch: coroutine roots report their own failures, so an exception that gets here is a bug,
  // and std::terminate leaves a core that still holds the guilty stack.
  io_.run();
}

void EventLoop::await_tick() {
  const auto due = timers_.next_tick();
  tick_timer_.expires_at(due);
  tick_timer_.async_wait([this, due](asio::error_code error) {
    if (error) return;  // The loop ends.
    batch_time_ = Clock::now();
    last_tick_.store(batch_time_.time_since_epoch().count(), std::memory_order_relaxed);
    on_tick_(batch_time_ - due);
    timers_.advance(batch_time_);
    await_tick();
  });
}

}  // namespace chatgate::net
