#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <variant>

#include <chatgate/net/address.h>

namespace chatgate::net {

/// `HOST:PORT` or `[V6]:PORT`. HOST is an address, not a name; port 0 lets the kernel choose.
struct TcpEndpoint {
  IpAddress ip;
  std::uint16_t port = 0;

  friend bool operator==(const TcpEndpoint&, const TcpEndpoint&) = default;
};

/// `unix:/path`.
struct UnixEndpoint {
  std::string path;

  friend bool operator==(const UnixEndpoint&, const UnixEndpoint&) = default;
};

/// `fd:NAME`: a listening socket that the service manager opened (sd_listen_fds_with_names(3)).
struct InheritedEndpoint {
  std::string name;

  friend bool operator==(const InheritedEndpoint&, const InheritedEndpoint&) = default;
};

using Endpoint = std::variant<TcpEndpoint, UnixEndpoint, InheritedEndpoint>;

/// Reads `0.0.0.0:1935`, `[::]:1935`, `unix:/run/chatgate.sock` or `fd:public`.
/// Returns nullopt for anything else, a Unix path longer than sun_path holds included (unix(7)).
std::optional<Endpoint> parse_endpoint(std::string_view text);
std::string to_text(const Endpoint& endpoint);

/// How the kernel finds out that a peer is gone (tcp(7)); inherited by every accepted socket. While
/// a user time-out shorter than `idle` is set, the first probe that is lost ends the connection.
struct KeepaliveOptions {
  std::chrono::seconds idle{60};
  std::chrono::seconds interval{10};
  int probes = 3;
  std::chrono::milliseconds user_timeout{30'000};  // TCP_USER_TIMEOUT
};

}  // namespace chatgate::net
