#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <future>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <time.h>

#include <chatgate/base/units.h>
#include <chatgate/net/ready_set.h>
#include <chatgate/net/timer_descriptor.h>
#include <chatgate/net/timer_wheel.h>
#include <chatgate/net/unique_fd.h>

namespace chatgate::net {

/// One thread with its ready set, its timer wheel, and an io_context for the work that others post:
/// what acceptors and workers run on.
///
/// The thread waits in the ready set alone. Asio's own reactor is not used: a set that it awaited
/// would be an epoll set in another, which costs the kernel a second wake-up for each event, and
/// three system calls a turn more (tests/bench/README.md).
///
/// Threads: members under "any thread" may be called from everywhere; the others only on the loop.
///   What is made on the loop stays on it and needs no lock. To reach it, post a value.
/// Lifetime: outlives everything that lives on it. The destructor stops the loop, drops what is
///   pending and joins the thread; never call it on the loop itself.
class EventLoop {
 public:
  using Clock = base::Clock;

  /// The most that one read takes, and the size of the scratch buffer.
  static constexpr std::size_t kScratchBytes = 64 * 1024;

  /// Starts the thread, named `name` (15 characters show in ps). `on_tick` is called on the loop
  /// ten times a second with how late the tick came. Throws std::system_error when the system
  /// refuses a thread or a descriptor.
  explicit EventLoop(
      std::string name, std::function<void(Clock::duration lateness)> on_tick = [](auto) {});
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Any thread.
  const std::string& name() const noexcept { return name_; }
  bool is_current_thread() const noexcept;

  /// Runs `work` on the loop, later.
  template <class Work>
  void post(Work&& work) {
    asio::post(io_, std::forward<Work>(work));
    wake();
  }

  /// Runs `work` on the loop and gives its result; waits for it. Not to be called on a loop.
  template <class Work>
  auto run(Work work) {
    std::packaged_task<decltype(work())()> task{std::move(work)};
    auto result = task.get_future();
    post([task = std::move(task)]() mutable { task(); });
    return result.get();
  }

  /// How long ago the loop last ticked: near 100 ms when it is well.
  Clock::duration since_last_tick() const noexcept;

  /// The processor time that the thread has used.
  std::chrono::nanoseconds cpu_time() const noexcept;

  // On the loop.
  /// The time when the batch that is being served became known; a cheap, slightly old now().
  Clock::time_point batch_time() const noexcept { return batch_time_; }
  ReadySet& ready_set() noexcept { return ready_set_; }
  TimerWheel& timers() noexcept { return timers_; }

  /// Memory for one read, shared by everything on the loop: valid until the next suspension.
  std::span<char> scratch() noexcept { return scratch_; }

 private:
  /// Ends the wait of the loop, from any thread.
  class WakeUp final : private ReadySet::Handler {
   public:
    explicit WakeUp(ReadySet& ready_set);
    void ring() const noexcept;

   private:
    void on_ready(std::uint32_t /*events*/) override {}

    const UniqueFd event_;
  };

  // So many posts, then the sockets have their turn again.
  static constexpr int kPostsPerTurnMax = 256;

  void run_thread();
  void run_posts();
  void on_tick_due();
  void wake() noexcept {
    if (!has_posts_.exchange(true) && !is_current_thread()) wake_up_.ring();
  }

  const std::string name_;
  const std::function<void(Clock::duration)> on_tick_;
  asio::io_context io_{1};  // One thread runs it, ever.
  asio::executor_work_guard<asio::io_context::executor_type> keep_running_;
  ReadySet ready_set_;
  WakeUp wake_up_{ready_set_};
  TimerWheel timers_;
  TimerDescriptor tick_timer_;
  Clock::time_point batch_time_;
  std::vector<char> scratch_;
  std::atomic<bool> has_posts_{false};
  std::atomic<bool> is_stopping_{false};
  std::atomic<Clock::rep> last_tick_;
  std::atomic<clockid_t> cpu_clock_{CLOCK_THREAD_CPUTIME_ID};  // The thread's, once it runs.
  std::thread thread_;  // Last member: starts after, and joins before, all it uses.
};

}  // namespace chatgate::net
