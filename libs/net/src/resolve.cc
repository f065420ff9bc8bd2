#include <cstring>
#include <memory>
#include <string_view>

#include <fmt/format.h>
#include <netdb.h>
#include <sys/un.h>

#include <chatgate/net/resolve.h>

namespace chatgate::net {
namespace {

using base::Unexpected;
using Resolved = base::Expected<std::vector<RemoteAddress>, std::string>;

Resolved resolve_unix(std::string_view path) {
  RemoteAddress remote;
  ::sockaddr_un unix_address{};
  if (path.empty() || path.size() >= sizeof unix_address.sun_path) {
    return Unexpected{
        fmt::format("a Unix socket's path has 1 to {} bytes", sizeof unix_address.sun_path - 1)};
  }
  unix_address.sun_family = AF_UNIX;
  std::memcpy(unix_address.sun_path, path.data(), path.size());
  std::memcpy(&remote.address, &unix_address, sizeof unix_address);
  remote.length = sizeof unix_address;
  return std::vector{remote};
}

Resolved resolve_tcp(const std::string& text) {
  const auto colon = text.rfind(':');
  auto host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  // Without brackets nobody can tell which colon of a v6 address precedes the port.
  const bool ambiguous = !bracketed && host.find(':') != std::string::npos;
  if (colon == std::string::npos || host.empty() || colon + 1 == text.size() || ambiguous) {
    return Unexpected{std::string{"an address is HOST:PORT, [V6]:PORT or unix:/path"}};
  }
  ::addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  ::addrinfo* found = nullptr;
  const auto port = text.substr(colon + 1);
  if (const int error = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found)) {
    return Unexpected{std::string{::gai_strerror(error)}};
  }
  const std::unique_ptr<::addrinfo, decltype(&::freeaddrinfo)> owner{found, &::freeaddrinfo};
  std::vector<RemoteAddress> addresses;
  for (const auto* info = found; info != nullptr; info = info->ai_next) {
    RemoteAddress remote;
    std::memcpy(&remote.address, info->ai_addr, info->ai_addrlen);
    remote.length = info->ai_addrlen;
    addresses.push_back(remote);
  }
  return addresses;
}

}  // namespace

Resolved resolve(const std::string& text) {
  constexpr std::string_view kUnix = "unix:";
  if (text.starts_with(kUnix)) return resolve_unix(std::string_view{text}.substr(kUnix.size()));
  return resolve_tcp(text);
}

std::string host_of(std::string_view text) {
  auto host = text.substr(0, text.rfind(':'));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return std::string{host};
}

}  // namespace chatgate::net
