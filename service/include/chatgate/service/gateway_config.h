#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include <chatgate/admin/options.h>
#include <chatgate/admission/options.h>
#include <chatgate/base/units.h>
#include <chatgate/net/listen_options.h>
#include <chatgate/net/tls_context.h>
#include <chatgate/session/options.h>
#include <chatgate/telemetry/log_options.h>

namespace chatgate::service {

/// What the gateway does to a client that a limit refuses.
enum class OverLimit : std::uint8_t { Reply, Backlog, Reset };

/// `threads`.
struct ThreadOptions {
  std::uint32_t acceptors = 1;
  std::uint32_t workers = 0;  // 0 = auto: the CPUs that affinity and cgroup quota leave us.

  friend bool operator==(const ThreadOptions&, const ThreadOptions&) = default;
};

/// One entry of `listeners`.
struct ListenerConfig {
  std::string name = "public";
  net::Endpoint address = net::TcpEndpoint{net::IpAddress::parse("::").value(), 1935};
  std::string service = "greeter";
  std::uint32_t backlog = 4096;
  session::Telnet telnet = session::Telnet::Passive;
  net::TlsServerOptions tls;
  admission::ListenerLimits limits;  // `proxy_…`, `access` and `max_connections`.

  friend bool operator==(const ListenerConfig&, const ListenerConfig&) = default;
};

/// `limits`.
struct LimitsConfig {
  admission::LimitOptions admission;  // `max_connections`, `mode` and `per_source`.
  std::uint32_t reserve_fds = 64;
  OverLimit over_limit = OverLimit::Reply;
  std::uint32_t tls_handshakes = 256;  // At a time, of all listeners together.
  std::uint64_t exit_after = 0;        // Sessions to serve, then drain and exit; 0 = never.

  friend bool operator==(const LimitsConfig&, const LimitsConfig&) = default;
};

/// `overload`: what happens when places or memory run out.
struct OverloadConfig {
  admission::Mode mode = admission::Mode::Enforce;
  base::Bytes memory{0};               // 0 = nine tenths of what there is.
  session::OverloadTimeouts timeouts;  // `first_message`, `idle`, `line` and `write`.

  friend bool operator==(const OverloadConfig&, const OverloadConfig&) = default;
};

/// `drain`: the five phases of a graceful shutdown (docs: configs/README.md).
struct DrainOptions {
  std::chrono::nanoseconds announce = std::chrono::seconds{0};
  std::chrono::nanoseconds grace = std::chrono::seconds{1};
  std::chrono::nanoseconds spread = std::chrono::seconds{5};
  std::chrono::nanoseconds deadline = std::chrono::seconds{20};  // From signal to exit.
  std::chrono::nanoseconds linger = std::chrono::seconds{2};
  std::string notice = "* server is shutting down\n";

  friend bool operator==(const DrainOptions&, const DrainOptions&) = default;
};

/// `metrics.top_connections`: at most `count` series, one for each of the busiest connections.
struct TopConnectionsOptions {
  enum class By : std::uint8_t { ReceivedBytes, SentBytes, Messages };

  std::uint32_t count = 0;  // 0 = off
  By by = By::ReceivedBytes;

  friend bool operator==(const TopConnectionsOptions&, const TopConnectionsOptions&) = default;
};

/// Everything that a configuration file says, with the defaults of a file that says nothing.
struct GatewayConfig {
  ThreadOptions threads;
  std::vector<ListenerConfig> listeners{ListenerConfig{}};
  std::map<std::string, session::ServiceOptions> services{{"greeter", session::ServiceOptions{}}};
  LimitsConfig limits;
  OverloadConfig overload;
  session::TimeoutOptions timeouts;
  std::chrono::nanoseconds proxy_header_timeout = std::chrono::seconds{5};
  std::string idle_warning;
  session::OutputOptions output;
  DrainOptions drain;
  admin::AdminOptions admin;
  TopConnectionsOptions top_connections;
  telemetry::LogOptions log;
  bool log_sessions = true;
  bool watch = false;

  friend bool operator==(const GatewayConfig&, const GatewayConfig&) = default;
};

/// What the configuration names cannot be used: a restart without a change will not help.
class UnusableSetting : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace chatgate::service
