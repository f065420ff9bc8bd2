#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include <netinet/in.h>

#include <chatgate/bench/options.h>
#include <chatgate/net/resolve.h>

namespace chatgate::bench {

/// The number of a client within its thread.
using ClientId = std::uint32_t;

/// Told by an engine, during Engine::wait() alone.
class EngineEvents {
 public:
  /// The thread woke: what follows up to the end of wait() is known at this time.
  virtual void on_wake() = 0;
  /// Only of clients that are opened with `tell_connected`.
  virtual void on_connected(ClientId client) = 0;
  /// `bytes` is valid during the call.
  virtual void on_received(ClientId client, std::string_view bytes) = 0;
  /// The connection is over and the client closed: `error` is an errno, 0 when the server ended it
  /// in order.
  virtual void on_closed(ClientId client, int error) = 0;

 protected:
  ~EngineEvents() = default;
};

/// Where an engine connects to, and from.
struct Route {
  net::RemoteAddress target;
  unsigned sources = 1;
  bool brief = false;     // A client is closed after its first reply.
  bool no_delay = false;  // TCP_NODELAY, for who sends again before the reply has come.
};

/// Sockets of many clients on one thread, as little above the kernel as can be: one event, one
/// call. Clients are numbers below the count that the engine was made for.
///
/// Threads: made, used and destroyed on one thread.
class Engine {
 public:
  virtual ~Engine() = default;

  virtual EngineKind kind() const = 0;

  /// Starts to connect a closed client. Returns 0, or an errno, and then the client is closed;
  /// EAGAIN means that a Unix socket's backlog is full now.
  virtual int open(ClientId client, bool tell_connected) = 0;

  /// Sends to an open client. `bytes` must stay valid for as long as the engine lives.
  virtual void send(ClientId client, std::string_view bytes) = 0;

  /// Closes an open client: no event of it follows.
  virtual void close(ClientId client) = 0;

  /// Sends what is to be sent, waits for at most `timeout` and tells what happened. An engine that
  /// can wait for `wanted` events does, for 50 us; then one is enough.
  virtual void wait(std::chrono::nanoseconds timeout, unsigned wanted, EngineEvents& events) = 0;
};

/// Makes an engine for `clients` clients. EngineKind::Auto takes io_uring if it can be had.
///
/// Errors: throws std::system_error when the kernel refuses what the engine needs.
std::unique_ptr<Engine> make_engine(EngineKind kind, const Route& route, std::size_t clients);

/// A non-blocking socket that is ready to connect to `route`: options set, source bound (the one
/// for the `opened`-th socket). Returns -1 with errno.
int make_client_socket(const Route& route, std::uint64_t opened) noexcept;

/// Where a client binds to, of Route::sources: 127.0.0.1 is number 0. Any port.
::sockaddr_in source_address(std::uint32_t number) noexcept;

std::unique_ptr<Engine> make_epoll_engine(const Route& route, std::size_t clients);

/// Errors: throws std::system_error too when this build has no io_uring (ENOSYS).
std::unique_ptr<Engine> make_uring_engine(const Route& route, std::size_t clients);

}  // namespace chatgate::bench
