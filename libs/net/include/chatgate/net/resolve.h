#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <sys/socket.h>

#include <chatgate/base/expected.h>

namespace chatgate::net {

/// An address as connect(2) takes it.
struct RemoteAddress {
  ::sockaddr_storage address{};
  ::socklen_t length = 0;

  const ::sockaddr* get() const noexcept { return reinterpret_cast<const ::sockaddr*>(&address); }
};

/// Where a client may connect to reach `text`, which is HOST:PORT, [V6]:PORT or unix:/path; HOST
/// may be a name, and then each of its addresses is one, in the resolver's order.
///
/// Threads: any; blocks the caller for as long as the resolver takes when HOST is a name
///   (getaddrinfo(3) knows no deadline).
/// Errors: what is wrong with the text or what the resolver said, in words for a person.
base::Expected<std::vector<RemoteAddress>, std::string> resolve(const std::string& text);

/// HOST of such a text, without the brackets of an IPv6 address: what a certificate has to name.
std::string host_of(std::string_view text);

}  // namespace chatgate::net
