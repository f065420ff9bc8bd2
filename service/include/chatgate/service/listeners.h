#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <chatgate/admission/admission.h>
#include <chatgate/net/listening_socket.h>
#include <chatgate/service/acceptor_thread.h>
#include <chatgate/service/gateway_config.h>
#include <chatgate/session/session_metrics.h>
#include <chatgate/session/worker.h>

namespace chatgate::service {

/// The listeners of the gateway: opens them on the acceptors, makes them known to admission and to
/// the workers, and closes them.
///
/// Threads: the control loop, while the gateway runs.
class Listeners {
 public:
  using Workers = std::vector<std::unique_ptr<session::Worker>>;
  using Acceptors = std::vector<std::unique_ptr<AcceptorThread>>;

  /// Sockets that are open but not yet in service: the step of a change that can fail.
  using OpenSockets = std::map<std::string, std::vector<net::ListeningSocket>>;
  using TlsContexts = std::map<std::string, net::TlsContext>;

  struct Listener {
    ListenerConfig config;
    base::ListenerId id;
    std::string address;  // With the port that the kernel chose.
    admission::ListenerSlot* slot = nullptr;
    session::ListenerCounters* counters = nullptr;
  };

  Listeners(admission::Admission& admission, session::SessionMetrics& metrics,
            const Workers& workers, const Acceptors& acceptors, net::InheritedSockets inherited)
      : admission_{admission},
        metrics_{metrics},
        workers_{workers},
        acceptors_{acceptors},
        inherited_{std::move(inherited)} {}

  /// Opens the sockets of those listeners of `config` that are new, or have a new address. Throws
  /// std::system_error, for an inherited one UnusableSetting, and leaves nothing open when one
  /// cannot be had.
  OpenSockets open_sockets(const GatewayConfig& config) const;

  /// Reads the certificates of `config`, by the listener's name. Throws UnusableSetting.
  static TlsContexts load_tls(const GatewayConfig& config);

  /// Puts `config` in force: sessions see it from their next message on, `tls` from the next
  /// handshake on. Takes `sockets` into service. Returns the ids of listeners that `config` has no
  /// more, whose sockets are closed and whose sessions are to be drained.
  std::vector<base::ListenerId> apply(const GatewayConfig& config, OpenSockets sockets,
                                      const TlsContexts& tls);

  /// Lets in who waits in the queues, then closes every listener.
  void close_all();

  /// Gives closed listeners whose sessions are gone out of this table; release() ends them, once
  /// nobody looks at them any more.
  std::vector<Listener> take_leaving(const std::vector<base::ListenerId>& ids);
  void release(const std::vector<Listener>& gone);

  std::vector<base::ListenerId> ids() const;

  /// The names of inherited sockets that no listener of `config` has for its address.
  std::vector<std::string> unused_sockets(const GatewayConfig& config) const;

  /// The place in admission of a listener that is closed and not forgotten.
  const admission::ListenerSlot* slot_of_leaving(base::ListenerId id) const;

  /// Closed, with sessions that are being sent away.
  const std::map<base::ListenerId, Listener>& leaving() const noexcept { return leaving_; }

  /// By name; those that accept.
  const std::map<std::string, Listener>& open() const noexcept { return listeners_; }

 private:
  const Listener* find_same(const ListenerConfig& config) const;
  void add(const ListenerConfig& config, std::vector<net::ListeningSocket> sockets,
           const GatewayConfig& whole, const TlsContexts& tls);
  void set_profile(const Listener& listener, const GatewayConfig& config, const TlsContexts& tls);
  void close(const std::vector<base::ListenerId>& ids);

  admission::Admission& admission_;
  session::SessionMetrics& metrics_;
  const Workers& workers_;
  const Acceptors& acceptors_;
  const net::InheritedSockets inherited_;

  std::map<std::string, Listener> listeners_;
  std::map<base::ListenerId, Listener> leaving_;  // Closed, with sessions that are being drained.
  std::uint32_t next_id_ = 1;
};

}  // namespace chatgate::service
