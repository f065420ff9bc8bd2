#pragma once

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <chatgate/admission/admission.h>
#include <chatgate/net/acceptor.h>
#include <chatgate/net/event_loop.h>
#include <chatgate/service/dismissals.h>
#include <chatgate/service/gateway_config.h>
#include <chatgate/service/place_budget.h>
#include <chatgate/session/session_metrics.h>
#include <chatgate/session/worker.h>
#include <chatgate/telemetry/log.h>

namespace chatgate::service {

/// What accepting meets besides connections: counted by acceptors, exported by the gateway.
struct AcceptCounters {
  /// The failures of accept4(2) that are counted one by one; all others together.
  static constexpr std::array kErrors{EMFILE, ENFILE, ENOMEM, ENOBUFS};

  std::array<telemetry::SharedCounter, kErrors.size() + 1> errors;
  /// Time that listeners did not accept because a limit was reached (`over_limit: backlog`).
  telemetry::SharedCounter paused_ns;
};

/// What all acceptors share. Everything outlives them.
struct AcceptorContext {
  telemetry::Log& log;
  admission::Admission& admission;
  session::ClosedSessions& closed;
  AcceptCounters& counters;
  PlaceBudget& dismissals;
  PlaceBudget& headers;  // Connections that wait for their PROXY header.
  std::atomic<std::uint64_t>& next_session_id;
  // A reload may change these.
  std::atomic<OverLimit>& over_limit;
  std::atomic<std::chrono::nanoseconds>& header_timeout;
  const std::vector<std::unique_ptr<session::Worker>>& workers;
};

/// One listener as its acceptors see it.
struct AcceptedListener {
  base::ListenerId id;
  std::string name;
  admission::ListenerSlot& slot;
  session::ListenerCounters& counters;
};

/// One thread that accepts, admits, and hands over: acceptors admit, workers converse.
///
/// Threads: every member may be called from any thread but its own.
/// Lifetime: the destructor closes its listening sockets.
class AcceptorThread {
 public:
  AcceptorThread(std::uint32_t index, AcceptorContext context);
  ~AcceptorThread();
  AcceptorThread(const AcceptorThread&) = delete;
  AcceptorThread& operator=(const AcceptorThread&) = delete;

  net::EventLoop& loop() noexcept { return loop_; }

  /// Starts to accept from `socket` for `listener`. Throws std::system_error.
  void open(AcceptedListener listener, net::ListeningSocket socket);

  /// Takes a new length of the kernel's queue (listen(2)).
  void set_backlog(base::ListenerId id, std::uint32_t backlog);

  /// Admits or refuses what waits in the queue of the listener, and accepts no more in the
  /// ordinary way. Call it for every acceptor of a listener before close() for the first: a closing
  /// SO_REUSEPORT socket resets what is in its queue.
  void finish_queue(base::ListenerId id);

  /// Looks into the queue once more, then closes the listening socket.
  void close(base::ListenerId id);

  /// Makes listeners that wait for room look again.
  void wake_waiting();

 private:
  class Door;

  const AcceptorContext context_;
  std::vector<std::unique_ptr<Door>> doors_;  // On the loop only.
  std::unique_ptr<Dismissals> dismissals_;    // On the loop only.
  net::SpareDescriptor spare_;
  net::EventLoop loop_;  // Last member: starts after, and joins before, all it uses.
};

}  // namespace chatgate::service
