#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <system_error>
#include <vector>

#include <asio/io_context.hpp>
#include <asio/posix/basic_stream_descriptor.hpp>
#include <sys/epoll.h>

#include <chatgate/base/assert.h>
#include <chatgate/base/units.h>

namespace chatgate::net {

/// The sockets of one event loop, awaited by its io_context as a single descriptor: an epoll set
/// (epoll(7)) inside Asio's. A socket is registered once for its life, where Asio re-arms each
/// wait.
///
/// Threads: confined to the io_context's thread.
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

  explicit ReadySet(asio::io_context& io);

  /// Starts to await; `before_batch` is called each time before ready descriptors are served.
  void start(std::function<void()> before_batch);

  /// Makes a turn that follows another one within kBusyWithin wait for `rest` first, so that it
  /// finds more to serve: for a loop whose wake-ups cost more than its latency. 0, the default:
  /// never.
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
  using Executor = asio::io_context::executor_type;

  static constexpr std::size_t kBatchMax = 512;
  // So often we look for more before the io_context has its turn: under load, each look saves the
  // three calls by which Asio waits for the set.
  static constexpr int kBatchesPerTurnMax = 8;

  static constexpr std::chrono::milliseconds kBusyWithin{2};

  void await();
  void rest_when_busy();
  bool serve_batch();
  void serve_again();

  asio::io_context& io_;
  asio::posix::basic_stream_descriptor<Executor> set_;
  std::function<void()> before_batch_;
  std::chrono::microseconds rest_{0};
  base::Clock::time_point turn_at_;
  std::array<epoll_event, kBatchMax> events_;
  std::size_t served_ = 0;  // events_[0, served_) are done, in this batch of …
  std::size_t ready_ = 0;   // … so many.
  std::vector<Handler*> again_;
  std::vector<Handler*> turn_;  // Those of again_ that are being served.
};

}  // namespace chatgate::net
