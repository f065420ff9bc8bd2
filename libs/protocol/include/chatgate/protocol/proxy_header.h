#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace chatgate::protocol {

/// The longest header that is taken. The protocol's own bound is 65,551 bytes; what proxies send
/// with all their TLVs is a few hundred.
inline constexpr std::size_t kProxyHeaderBytesMax = 4096;

/// What a proxy says before the first byte of a client that it relays.
struct ProxyHeader {
  enum class Relayed : std::uint8_t {
    Nobody,  // The proxy's own connection (LOCAL), or one of ends that it does not tell (UNKNOWN,
             // UNSPEC, Unix sockets, datagrams): the addresses of the socket hold.
    V4,
    V6,
  };

  std::size_t size = 0;  // Its bytes; what follows is the client's.
  Relayed relayed = Relayed::Nobody;
  std::array<std::uint8_t, 16> client_ip{};  // Network order; V4 has the first four.
  std::uint16_t client_port = 0;
};

/// Where a header is none, and what should stand there.
struct ProxyMistake {
  std::size_t offset = 0;
  std::string_view expected;  // Lives for ever.
};

struct ProxyParse {
  enum class State : std::uint8_t {
    NeedMore,  // What there is may be the beginning of a header.
    Complete,
    Invalid,
  };

  State state = State::NeedMore;
  ProxyHeader header;    // Of Complete.
  ProxyMistake mistake;  // Of Invalid.
};

/// Reads a PROXY header of version 1 or 2 at the front of `seen`, all that came so far, by
/// https://www.haproxy.org/download/1.8/doc/proxy-protocol.txt. What is not exactly a header is
/// Invalid at its first wrong byte; a CRC32C TLV must be right. Other TLVs are skipped. A version 1
/// line has at most 107 bytes, a version 2 header kProxyHeaderBytesMax.
///
/// More bytes change neither Complete nor Invalid.
ProxyParse parse_proxy_header(std::string_view seen) noexcept;

}  // namespace chatgate::protocol
