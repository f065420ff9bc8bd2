#include <algorithm>
#include <charconv>
#include <cstring>

#include <arpa/inet.h>
#include <fmt/compile.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <chatgate/base/assert.h>
#include <chatgate/net/address.h>

namespace chatgate::net {
namespace {

using Family = IpAddress::Family;

constexpr unsigned kV4Bits = 32;
constexpr unsigned kV6Bits = 128;
constexpr unsigned kMappedBits = kV6Bits - kV4Bits;
constexpr std::array<std::uint8_t, kMappedBits / 8> kMappedPrefix{0, 0, 0, 0, 0,    0,
                                                                  0, 0, 0, 0, 0xff, 0xff};

// `bytes` are 4, in network order.
IpAddress make_v4(const void* bytes) noexcept {
  IpAddress address{.family = Family::V4};
  std::memcpy(address.bytes.data(), bytes, kV4Bits / 8);
  return address;
}

// `bytes` are 16, in network order.
IpAddress make_v6(const void* bytes) noexcept {
  IpAddress address{.family = Family::V6};
  std::memcpy(address.bytes.data(), bytes, kV6Bits / 8);
  if (!std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), address.bytes.begin())) {
    return address;
  }
  return make_v4(address.bytes.data() + kMappedPrefix.size());
}

std::optional<std::uint8_t> parse_prefix(std::string_view text) {
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  std::uint8_t prefix = 0;
  const auto* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, prefix);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return prefix;
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  // A NUL inside would end the text early for inet_pton, which would take "10.0.0.1\0x" as good.
  if (text.size() >= terminated.size() || text.find('\0') != text.npos) return std::nullopt;
  std::copy(text.begin(), text.end(), terminated.begin());

  std::array<std::uint8_t, 16> bytes{};
  if (::inet_pton(AF_INET, terminated.data(), bytes.data()) == 1) return make_v4(bytes.data());
  if (::inet_pton(AF_INET6, terminated.data(), bytes.data()) == 1) return make_v6(bytes.data());
  return std::nullopt;
}

IpAddress IpAddress::from_bytes(std::span<const std::uint8_t> bytes) noexcept {
  if (bytes.size() == kV4Bits / 8) return make_v4(bytes.data());
  CHATGATE_ASSERT(bytes.size() == kV6Bits / 8);
  return make_v6(bytes.data());
}

unsigned IpAddress::bits() const noexcept {
  switch (family) {
    case Family::None:
      return 0;
    case Family::V4:
      return kV4Bits;
    case Family::V6:
      return kV6Bits;
  }
  CHATGATE_ASSERT(false);
}

IpAddress IpAddress::masked(unsigned prefix) const noexcept {
  CHATGATE_ASSERT(prefix <= bits());
  IpAddress network = *this;
  const std::size_t kept = prefix / 8;
  if (kept == network.bytes.size()) return network;
  const unsigned cleared = 8 - prefix % 8;
  network.bytes[kept] = static_cast<std::uint8_t>(network.bytes[kept] >> cleared << cleared);
  std::fill(network.bytes.begin() + static_cast<std::ptrdiff_t>(kept) + 1, network.bytes.end(),
            std::uint8_t{0});
  return network;
}

std::optional<Cidr> Cidr::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = text.substr(0, slash);
  const auto network = IpAddress::parse(address);
  if (!network) return std::nullopt;
  if (slash == text.npos) return Cidr{*network, static_cast<std::uint8_t>(network->bits())};

  const auto written = parse_prefix(text.substr(slash + 1));
  if (!written) return std::nullopt;
  // ::ffff:10.0.0.0/104 means 10.0.0.0/8: the network has shed its first 96 bits already.
  const bool mapped = network->family == Family::V4 && address.find(':') != address.npos;
  const unsigned shed = mapped ? kMappedBits : 0;
  if (*written < shed || *written - shed > network->bits()) return std::nullopt;
  const Cidr cidr{*network, static_cast<std::uint8_t>(*written - shed)};
  if (network->masked(cidr.prefix) != *network) return std::nullopt;
  return cidr;
}

bool Cidr::contains(const IpAddress& address) const noexcept {
  return address.family == network.family && address.masked(prefix) == network;
}

PeerAddress PeerAddress::from_sockaddr(const ::sockaddr_storage& address) noexcept {
  // Copied, not cast: the storage's bytes are no object of the other type (strict aliasing).
  if (address.ss_family == AF_INET) {
    ::sockaddr_in v4{};
    std::memcpy(&v4, &address, sizeof v4);
    return {make_v4(&v4.sin_addr), ntohs(v4.sin_port)};
  }
  if (address.ss_family == AF_INET6) {
    ::sockaddr_in6 v6{};
    std::memcpy(&v6, &address, sizeof v6);
    return {make_v6(&v6.sin6_addr), ntohs(v6.sin6_port)};
  }
  return {};
}

std::string to_text(const IpAddress& address) {
  if (address.family == Family::None) return "unix";
  if (address.family == Family::V4) {
    // inet_ntop(3) prints with sprintf(3), which takes ten times as long.
    const auto& byte = address.bytes;
    return fmt::format(FMT_COMPILE("{}.{}.{}.{}"), byte[0], byte[1], byte[2], byte[3]);
  }
  std::array<char, INET6_ADDRSTRLEN> text{};
  const char* const written =
      ::inet_ntop(AF_INET6, address.bytes.data(), text.data(), ::socklen_t{INET6_ADDRSTRLEN});
  CHATGATE_ASSERT(written != nullptr);
  return written;
}

std::string to_text(const Cidr& cidr) {
  return fmt::format("{}/{}", to_text(cidr.network), cidr.prefix);
}

std::string to_text(const PeerAddress& peer) {
  switch (peer.ip.family) {
    case Family::None:
      return to_text(peer.ip);
    case Family::V4:
      return fmt::format(FMT_COMPILE("{}:{}"), to_text(peer.ip), peer.port);
    case Family::V6:
      return fmt::format("[{}]:{}", to_text(peer.ip), peer.port);
  }
  CHATGATE_ASSERT(false);
}

}  // namespace chatgate::net
