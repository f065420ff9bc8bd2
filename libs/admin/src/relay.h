#pragma once

#include <cstdint>
#include <future>
#include <optional>
#include <set>
#include <vector>

#include <chatgate/base/mutex.h>
#include <chatgate/net/listening_socket.h>
#include <chatgate/net/tls_context.h>
#include <chatgate/net/unique_fd.h>

namespace chatgate::admin {

/// The ports from which a relay has connected to the HTTP server. Whoever else on this machine
/// finds the server's port comes from another one, for while a connection lasts its port is taken.
///
/// Threads: any.
class RelayedPorts {
 public:
  void insert(std::uint16_t port);
  void erase(std::uint16_t port);
  bool contains(std::uint16_t port) const;

 private:
  mutable base::Mutex mutex_;
  std::set<std::uint16_t> ports_ CHATGATE_GUARDED_BY(mutex_);
};

/// Passes the connections of one listening socket on to a port of 127.0.0.1: how the HTTP server,
/// which knows only IPv4 and no TLS, is reached by IPv6, over a Unix socket and by TLS.
///
/// Threads: one of its own. At most 64 connections at a time, each for at most a minute; others
/// wait in the backlog. The server hears of a client when its TLS handshake is done, for which it
/// has 5 s. Lifetime: `ports` outlives the relay. The destructor drops all connections and joins
/// the thread.
class Relay {
 public:
  /// With `tls`, clients have to speak it.
  Relay(net::ListeningSocket listening, std::uint16_t target_port, RelayedPorts& ports,
        std::optional<net::TlsContext> tls);
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  /// For clients who come from now on. Threads: any. Requires that there was one before.
  void replace_tls(net::TlsContext tls);

 private:
  class Pair;

  void run();
  void accept_all(std::vector<Pair>& pairs);
  bool advance(Pair& pair);
  std::optional<net::TlsContext> present_tls() const;

  const net::ListeningSocket listening_;
  const std::uint16_t target_port_;
  RelayedPorts& ports_;
  mutable base::Mutex mutex_;
  std::optional<net::TlsContext> tls_ CHATGATE_GUARDED_BY(mutex_);
  const net::UniqueFd stop_;   // An eventfd(2).
  bool is_paused_ = false;     // By a failed accept; the thread's alone.
  std::future<void> running_;  // Last member: starts after, and joins before, all it uses.
};

}  // namespace chatgate::admin
