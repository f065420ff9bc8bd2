#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <system_error>
#include <vector>

#include <sys/epoll.h>

#include <chatgate/base/assert.h>
#include <chatgate/base/units.h>
#include <chatgate/net/unique_fd.h>

namespace chatgate::net {

/// The descriptors of one event loop: an epoll set (epoll(7)) in which each is registered once for
/// its life.
///
/// Threads: confined to the loop's thread.
class ReadySet {
 public:
  /// What wants to know when a descriptor is ready.
  class Handler {
   public:
    /// `events` are those of epoll_ctl(2); 0 for a turn asked for by again(). May destroy the
    /// handler, which calls remove() then.
    virtual void on_ready(std::uint32_t events) = 0;

   protected:
    ~Handler() = default;
  };

  /// Throws std::system_error when the system has no descriptor left.
  ReadySet();

  /// Serves one turn: waits for descriptors that are ready, but not if `waits` is false or somebody
  /// asked for another turn; calls `before_batch`, and then each handler that has something to do.
  void serve_turn(bool waits, const std::function<void()>& before_batch);

  /// Makes the turn after one that followed another within kBusyWithin wait for `rest` first, so
  /// that it finds more to serve: for a loop whose wake-ups cost more than its latency. 0, the
  /// default: never.
  void set_rest_when_busy(std::chrono::microseconds rest) noexcept { rest_ = rest; }

  /// Registers `fd` for `events` (EPOLLIN, EPOLLOUT, EPOLLET, …). The handler must call remove()
  /// before it dies. Returns the kernel's refusal (EPERM, ENOMEM, ENOSPC: epoll_ctl(2)), if any.
  std::error_code add(int fd, std::uint32_t events, Handler& handler) noexcept;

  /// Changes what a registered `fd` waits for.
  void modify(int fd, std::uint32_t events, Handler& handler) noexcept;

  /// Stops awaiting `fd`, for a descriptor that stays open: closing one unregisters it anyway.
  void withdraw(int fd) noexcept;

  /// Drops what is still to be delivered to `handler`.
  void remove(Handler& handler) noexcept;

  /// Serves `handler` again after everybody else had a turn: for one who has more to do than is
  /// fair in a single turn. Ask once a turn.
  void again(Handler& handler);

 private:
  static constexpr std::size_t kBatchMax = 512;
  static constexpr std::chrono::milliseconds kBusyWithin{2};

  void rest_when_busy();
  void serve_batch();
  void serve_again();

  const UniqueFd set_;
  std::chrono::microseconds rest_{0};
  base::Clock::time_point turn_at_;
  std::array<epoll_event, kBatchMax> events_;
  std::size_t served_ = 0;  // events_[0, served_) are done, in this batch of …
  std::size_t ready_ = 0;   // … so many.
  std::vector<Handler*> again_;
  std::vector<Handler*> turn_;  // Those of again_ that are being served.
};

}  // namespace chatgate::net
