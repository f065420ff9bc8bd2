#pragma once

#include <cstdint>
#include <future>
#include <vector>

#include <chatgate/net/listening_socket.h>
#include <chatgate/net/unique_fd.h>

namespace chatgate::admin {

/// Passes the connections of one listening socket on to a port of 127.0.0.1: how the HTTP server,
/// which knows only IPv4, is reached by IPv6.
///
/// Threads: one of its own. At most 64 connections at a time, each for at most a minute; others
/// wait in the backlog. Lifetime: the destructor drops all connections and joins the thread.
class Relay {
 public:
  Relay(net::ListeningSocket listening, std::uint16_t target_port);
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

 private:
  class Pair;

  void run();
  void accept_all(std::vector<Pair>& pairs);

  const net::ListeningSocket listening_;
  const std::uint16_t target_port_;
  const net::UniqueFd stop_;   // An eventfd(2).
  bool is_paused_ = false;     // By a failed accept; the thread's alone.
  std::future<void> running_;  // Last member: starts after, and joins before, all it uses.
};

}  // namespace chatgate::admin
