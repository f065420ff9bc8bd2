#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <chatgate/net/connection.h>
#include <chatgate/net/event_loop.h>
#include <chatgate/net/task.h>
#include <chatgate/net/unique_fd.h>
#include <chatgate/telemetry/counter.h>

namespace chatgate::service {

/// How many refused clients we wait for at one time, over all acceptors: each holds a descriptor.
class DismissalBudget {
 public:
  explicit DismissalBudget(std::size_t max) noexcept : max_{max} {}

  bool take() noexcept;
  void give_back() noexcept { used_.fetch_sub(1, std::memory_order_relaxed); }

  std::size_t used() const noexcept { return used_.load(std::memory_order_relaxed); }
  std::size_t max() const noexcept { return max_; }
  /// Refused clients that were closed at once because the budget was used up.
  std::uint64_t overflows() const noexcept { return overflows_.value(); }

 private:
  const std::size_t max_;
  std::atomic<std::size_t> used_{0};
  telemetry::SharedCounter overflows_;
};

/// Says no to refused clients so that they can read it, off the accept path.
///
/// Threads: confined to `loop`. Lifetime: the destructor closes those who still linger.
class Dismissals final : private net::Connection::Observer {
 public:
  Dismissals(net::EventLoop& loop, DismissalBudget& budget) : loop_{loop}, budget_{budget} {}
  ~Dismissals();
  Dismissals(const Dismissals&) = delete;
  Dismissals& operator=(const Dismissals&) = delete;

  /// Sends `line`, then FIN, and waits until the client has read it, within the bounds of a goodbye
  /// and of the budget.
  void dismiss(net::UniqueFd socket, std::string line);

  /// The same in no time: what the client sent so far is discarded, then the socket is closed.
  static void dismiss_at_once(net::UniqueFd socket, const std::string& line) noexcept;

  /// Resets the connection without a word.
  static void reset(net::UniqueFd socket) noexcept;

 private:
  net::RootTask linger(net::UniqueFd socket, std::string line);
  void on_flushed(std::size_t /*bytes*/) override {}
  void on_reply_flushed(net::Connection::Clock::time_point /*asked_at*/,
                        net::Connection::Clock::time_point /*now*/) override {}

  net::EventLoop& loop_;
  DismissalBudget& budget_;
  std::vector<net::Connection*> lingering_;
};

}  // namespace chatgate::service
