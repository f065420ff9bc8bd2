#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <chatgate/net/connection.h>
#include <chatgate/net/event_loop.h>
#include <chatgate/net/task.h>
#include <chatgate/net/unique_fd.h>
#include <chatgate/service/place_budget.h>

namespace chatgate::service {

/// Says no to refused clients so that they can read it, off the accept path.
///
/// Threads: confined to `loop`. Lifetime: the destructor closes those who still linger.
class Dismissals final : private net::Connection::Observer {
 public:
  Dismissals(net::EventLoop& loop, PlaceBudget& budget) : loop_{loop}, budget_{budget} {}
  ~Dismissals();
  Dismissals(const Dismissals&) = delete;
  Dismissals& operator=(const Dismissals&) = delete;

  /// Sends `line`, then FIN, and waits until the client has read it, within the bounds of a goodbye
  /// and of the budget.
  void dismiss(net::UniqueFd socket, std::string line);

  /// The same in no time: what the client sent so far is discarded, then the socket is closed. An
  /// empty line says nothing.
  static void dismiss_at_once(net::UniqueFd socket, const std::string& line) noexcept;

  /// Resets the connection without a word.
  static void reset(net::UniqueFd socket) noexcept;

 private:
  net::RootTask linger(net::UniqueFd socket, std::string line);
  void on_flushed(std::size_t /*bytes*/) override {}
  void on_reply_flushed(net::Connection::Clock::time_point /*asked_at*/,
                        net::Connection::Clock::time_point /*now*/) override {}

  net::EventLoop& loop_;
  PlaceBudget& budget_;
  std::vector<net::Connection*> lingering_;
};

}  // namespace chatgate::service
