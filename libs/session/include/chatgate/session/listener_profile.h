#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include <chatgate/base/strong_id.h>
#include <chatgate/net/tls_context.h>
#include <chatgate/protocol/text_template.h>
#include <chatgate/session/options.h>

namespace chatgate::session {

/// Everything that a session needs to know of the configuration, for one listener: immutable, and
/// replaced as a whole by a reload. A session reads the present one at each message.
struct ListenerProfile {
  base::ListenerId id;
  std::string name;
  Telnet telnet = Telnet::Passive;
  std::optional<net::TlsContext> tls;
  std::size_t tls_handshakes_max = 1;  // At a time, of each worker.
  ServiceOptions service;
  TimeoutOptions timeouts;
  OverloadTimeouts overload_timeouts;
  OutputOptions output;
  std::string idle_warning;  // Plain text; sent 30 s before idle_timeout. Empty = off.
  bool log_sessions = true;

  // The templates of `service`, compiled.
  protocol::Template greeting;
  protocol::Template reply;
  protocol::Template farewell;
};

}  // namespace chatgate::session
