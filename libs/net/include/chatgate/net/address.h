#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <sys/socket.h>

namespace chatgate::net {

/// An IP address, v4 or v6, or none (the peer of a Unix socket has no address).
///
/// A v4-mapped v6 address (::ffff:192.0.2.1, RFC 4291 section 2.5.5.2) becomes the v4 address that
/// it means, so that a rule for v4 holds on a dual-stack listener too.
struct IpAddress {
  enum class Family : std::uint8_t { None, V4, V6 };

  Family family = Family::None;
  std::array<std::uint8_t, 16> bytes{};  // Network order; V4 uses the first four.

  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

  /// Reads `192.0.2.1` or `2001:db8::1`. Returns nullopt for anything else, names included.
  static std::optional<IpAddress> parse(std::string_view text);

  /// From 4 bytes or 16 in network order. Requires one of these sizes.
  static IpAddress from_bytes(std::span<const std::uint8_t> bytes) noexcept;

  /// Number of bits that an address of this family has: 0, 32 or 128.
  unsigned bits() const noexcept;

  /// The address with all but its first `prefix` bits cleared. Requires prefix <= bits().
  IpAddress masked(unsigned prefix) const noexcept;
};

/// A block of addresses, such as `10.0.0.0/8` or `2001:db8::/32` (RFC 4632, RFC 4291).
struct Cidr {
  IpAddress network;  // Its bits beyond `prefix` are clear.
  std::uint8_t prefix = 0;

  friend auto operator<=>(const Cidr&, const Cidr&) = default;

  /// Reads a block or a single address. Returns nullopt for anything else, also when bits are set
  /// beyond the prefix (10.0.0.1/8): that is a typing error more often than an intention.
  static std::optional<Cidr> parse(std::string_view text);

  bool contains(const IpAddress& address) const noexcept;
};

/// Who is at the other end of a connection.
struct PeerAddress {
  IpAddress ip;
  std::uint16_t port = 0;

  friend auto operator<=>(const PeerAddress&, const PeerAddress&) = default;

  /// From what accept4(2) or getpeername(2) filled in. A Unix peer has no IP address.
  static PeerAddress from_sockaddr(const ::sockaddr_storage& address) noexcept;
};

std::string to_text(const IpAddress& address);  // `192.0.2.1`, `2001:db8::1`, `unix`
std::string to_text(const Cidr& cidr);          // `10.0.0.0/8`
std::string to_text(const PeerAddress& peer);   // `192.0.2.1:4711`, `[2001:db8::1]:4711`, `unix`

}  // namespace chatgate::net
