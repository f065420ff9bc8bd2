#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include <sys/un.h>

#include <chatgate/net/listen_options.h>

namespace chatgate::net {
namespace {

constexpr std::string_view kUnixScheme = "unix:";
constexpr std::string_view kInheritedScheme = "fd:";
constexpr std::size_t kUnixPathBytesMax = sizeof(::sockaddr_un::sun_path) - 1;
constexpr std::size_t kInheritedNameBytesMax = 255;

std::optional<std::uint16_t> parse_port(std::string_view text) {
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  std::uint16_t port = 0;
  const auto* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, port);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return port;
}

// Brackets hold a v6 address and nothing else, so that the last colon is always the port's.
std::optional<IpAddress> parse_host(std::string_view text) {
  const bool bracketed = text.starts_with('[') && text.ends_with(']');
  if (bracketed) text = text.substr(1, text.size() - 2);
  if (bracketed != (text.find(':') != text.npos)) return std::nullopt;
  return IpAddress::parse(text);
}

std::optional<Endpoint> parse_tcp(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == text.npos) return std::nullopt;
  const auto ip = parse_host(text.substr(0, colon));
  const auto port = parse_port(text.substr(colon + 1));
  if (!ip || !port) return std::nullopt;
  return TcpEndpoint{*ip, *port};
}

// A relative path would depend on the directory that the service manager started us in.
std::optional<Endpoint> parse_unix(std::string_view path) {
  if (!path.starts_with('/') || path.size() > kUnixPathBytesMax) return std::nullopt;
  if (path.find('\0') != path.npos) return std::nullopt;
  return UnixEndpoint{std::string{path}};
}

// What FileDescriptorName= of systemd.socket(5) can carry.
std::optional<Endpoint> parse_inherited(std::string_view name) {
  if (name.empty() || name.size() > kInheritedNameBytesMax) return std::nullopt;
  const auto is_allowed = [](char c) { return c >= ' ' && c < 0x7f && c != ':'; };
  if (!std::all_of(name.begin(), name.end(), is_allowed)) return std::nullopt;
  return InheritedEndpoint{std::string{name}};
}

std::string text_of(const TcpEndpoint& tcp) { return to_text(PeerAddress{tcp.ip, tcp.port}); }
std::string text_of(const UnixEndpoint& local) { return std::string{kUnixScheme} + local.path; }
std::string text_of(const InheritedEndpoint& inherited) {
  return std::string{kInheritedScheme} + inherited.name;
}

}  // namespace

std::optional<Endpoint> parse_endpoint(std::string_view text) {
  if (text.starts_with(kUnixScheme)) return parse_unix(text.substr(kUnixScheme.size()));
  if (text.starts_with(kInheritedScheme)) {
    return parse_inherited(text.substr(kInheritedScheme.size()));
  }
  return parse_tcp(text);
}

std::string to_text(const Endpoint& endpoint) {
  return std::visit([](const auto& one) { return text_of(one); }, endpoint);
}

}  // namespace chatgate::net
