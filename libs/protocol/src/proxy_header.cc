#include "crc32c.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

#include <arpa/inet.h>

#include <chatgate/protocol/proxy_header.h>

namespace chatgate::protocol {
namespace {

using namespace std::string_view_literals;
using Relayed = ProxyHeader::Relayed;
using State = ProxyParse::State;
using Mistake = std::optional<ProxyMistake>;

ProxyParse invalid(const ProxyMistake& mistake) noexcept { return {State::Invalid, {}, mistake}; }
ProxyParse invalid(std::size_t offset, std::string_view expected) noexcept {
  return invalid(ProxyMistake{offset, expected});
}

// How many bytes of `seen` are as `wanted` begins.
std::size_t common(std::string_view seen, std::string_view wanted) noexcept {
  const auto end = std::mismatch(
      seen.begin(),
      seen.begin() + static_cast<std::ptrdiff_t>(std::min(seen.size(), wanted.size())),
      wanted.begin());
  return static_cast<std::size_t>(end.first - seen.begin());
}

bool may_become(std::string_view seen, std::string_view wanted) noexcept {
  return common(seen, wanted) == std::min(seen.size(), wanted.size());
}

// Version 1: a line of text.

constexpr std::string_view kPreamble = "PROXY ";
constexpr std::string_view kTcp4 = "TCP4 ";
constexpr std::string_view kTcp6 = "TCP6 ";
constexpr std::string_view kUnknown = "UNKNOWN";
constexpr std::size_t kLineBytesMax = 107;

bool parse_ip(std::string_view text, int family, std::array<std::uint8_t, 16>& ip) noexcept {
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  // A NUL inside would end the text early for inet_pton.
  if (text.size() >= terminated.size() || text.find('\0') != text.npos) return false;
  std::copy(text.begin(), text.end(), terminated.begin());
  return ::inet_pton(family, terminated.data(), ip.data()) == 1;
}

bool parse_port(std::string_view text, std::uint16_t& port) noexcept {
  if (text.size() > 1 && text.front() == '0') return false;
  const auto* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, port);
  return error == std::errc{} && stop == end;
}

// The four fields behind the protocol, each with one space before the next.
class Fields {
 public:
  Fields(std::string_view line, std::size_t offset) noexcept : line_{line}, next_{offset} {}

  std::string_view take() noexcept {
    offset_ = std::min(next_, line_.size());
    const auto field = line_.substr(offset_, line_.find(' ', offset_) - offset_);
    next_ = offset_ + field.size() + 1;
    return field;
  }
  std::size_t offset() const noexcept { return offset_; }  // Of what take() gave.
  bool are_used_up() const noexcept { return next_ > line_.size(); }

 private:
  std::string_view line_;
  std::size_t offset_ = 0;
  std::size_t next_;
};

// `line` has no end of line any more.
ProxyParse parse_tcp(std::string_view line, std::size_t size, Relayed relayed) noexcept {
  const int family = relayed == Relayed::V4 ? AF_INET : AF_INET6;
  const auto address = relayed == Relayed::V4 ? "an IPv4 address"sv : "an IPv6 address"sv;
  constexpr auto kPort = "a port from 0 to 65535"sv;
  ProxyHeader header{.size = size, .relayed = relayed};
  std::array<std::uint8_t, 16> own_ip{};
  std::uint16_t own_port = 0;
  Fields fields{line, kPreamble.size() + kTcp4.size()};
  if (!parse_ip(fields.take(), family, header.client_ip)) return invalid(fields.offset(), address);
  if (!parse_ip(fields.take(), family, own_ip)) return invalid(fields.offset(), address);
  if (!parse_port(fields.take(), header.client_port)) return invalid(fields.offset(), kPort);
  if (!parse_port(fields.take(), own_port)) return invalid(fields.offset(), kPort);
  if (!fields.are_used_up()) return invalid(size - 2, "CR LF behind the second port");
  return {State::Complete, header, {}};
}

ProxyParse parse_line(std::string_view line, std::size_t size) noexcept {
  const auto protocol = line.substr(std::min(kPreamble.size(), line.size()));
  if (protocol.starts_with(kTcp4)) return parse_tcp(line, size, Relayed::V4);
  if (protocol.starts_with(kTcp6)) return parse_tcp(line, size, Relayed::V6);
  // What stands behind UNKNOWN is to be ignored.
  const bool is_unknown =
      protocol == kUnknown || (protocol.starts_with(kUnknown) && protocol[kUnknown.size()] == ' ');
  if (is_unknown) return {State::Complete, {.size = size}, {}};
  return invalid(std::min(kPreamble.size(), line.size()), "TCP4, TCP6 or UNKNOWN");
}

ProxyParse parse_v1(std::string_view seen) noexcept {
  if (!may_become(seen, kPreamble)) return invalid(common(seen, kPreamble), "PROXY and a space");
  const auto protocol = seen.substr(std::min(seen.size(), kPreamble.size()));
  if (!may_become(protocol, kTcp4) && !may_become(protocol, kTcp6) &&
      !may_become(protocol, kUnknown)) {
    return invalid(kPreamble.size(), "TCP4, TCP6 or UNKNOWN");
  }
  const auto end = seen.substr(0, kLineBytesMax).find('\n');
  if (end == seen.npos) {
    if (seen.size() < kLineBytesMax) return {};
    return invalid(kLineBytesMax, "CR LF within 107 bytes");
  }
  if (seen[end - 1] != '\r') return invalid(end, "CR before LF");
  return parse_line(seen.substr(0, end - 1), end + 1);
}

// Version 2: binary.

constexpr std::string_view kSignature = "\r\n\r\n\0\r\nQUIT\n"sv;
constexpr std::size_t kFixedBytes = 16;  // Signature, command, family, length.
constexpr std::size_t kCommandAt = 12;
constexpr std::size_t kFamilyAt = 13;
constexpr std::size_t kLengthAt = 14;
constexpr std::uint8_t kLocal = 0x20;
constexpr std::uint8_t kProxy = 0x21;
constexpr std::uint8_t kTcpOverV4 = 0x11;
constexpr std::uint8_t kTcpOverV6 = 0x21;
constexpr std::size_t kTlvHead = 3;  // Type, length.
constexpr std::uint8_t kTlvCrc32c = 0x03;
constexpr std::size_t kCrcBytes = 4;

std::uint8_t byte_at(std::string_view bytes, std::size_t offset) noexcept {
  return static_cast<std::uint8_t>(bytes[offset]);
}

std::uint16_t u16_at(std::string_view bytes, std::size_t offset) noexcept {
  return static_cast<std::uint16_t>(byte_at(bytes, offset) << 8 | byte_at(bytes, offset + 1));
}

std::uint32_t u32_at(std::string_view bytes, std::size_t offset) noexcept {
  return std::uint32_t{u16_at(bytes, offset)} << 16 | u16_at(bytes, offset + 2);
}

bool is_family_known(std::uint8_t family) noexcept {
  return (family >> 4U) <= 3 && (family & 0x0FU) <= 2;
}

// How many bytes the addresses of a known family have.
std::size_t address_bytes(std::uint8_t family) noexcept {
  constexpr std::array<std::size_t, 4> kBytes{0, 12, 36, 216};  // None, IPv4, IPv6, Unix.
  return kBytes[family >> 4U];
}

bool is_checksum_right(std::string_view header, std::size_t at) noexcept {
  constexpr std::string_view kZeros{"\0\0\0\0", kCrcBytes};
  const auto computed =
      Crc32c{}.add(header.substr(0, at)).add(kZeros).add(header.substr(at + kCrcBytes)).value();
  return computed == u32_at(header, at);
}

struct Tlvs {
  Mistake malformed;    // The chain does not end where the header does.
  Mistake unconfirmed;  // Its checksum is not that of the header.
};

// Looks through the TLVs that begin at `offset`.
Tlvs check_tlvs(std::string_view header, std::size_t offset) noexcept {
  while (offset < header.size()) {
    if (header.size() - offset < kTlvHead) return {ProxyMistake{offset, "a whole TLV"}, {}};
    const std::size_t length = u16_at(header, offset + 1);
    const auto value = offset + kTlvHead;
    if (length > header.size() - value) {
      return {ProxyMistake{offset + 1, "a TLV that ends within the header"}, {}};
    }
    if (byte_at(header, offset) == kTlvCrc32c) {
      if (length != kCrcBytes) return {ProxyMistake{offset + 1, "a CRC32C of 4 bytes"}, {}};
      if (!is_checksum_right(header, value)) {
        return {{}, ProxyMistake{value, "the CRC32C of this header"}};
      }
    }
    offset = value + length;
  }
  return {};
}

Mistake check_fixed(std::string_view seen) noexcept {
  if (seen.size() <= kCommandAt) return {};
  const auto command = byte_at(seen, kCommandAt);
  if (command != kLocal && command != kProxy) {
    return ProxyMistake{kCommandAt, "0x20 (LOCAL) or 0x21 (PROXY)"};
  }
  if (seen.size() <= kFamilyAt) return {};
  if (command == kProxy && !is_family_known(byte_at(seen, kFamilyAt))) {
    return ProxyMistake{kFamilyAt, "an address family up to 3 and a protocol up to 2"};
  }
  if (seen.size() < kFixedBytes) return {};
  const std::size_t length = u16_at(seen, kLengthAt);
  if (length > kProxyHeaderBytesMax - kFixedBytes) {
    return ProxyMistake{kLengthAt, "a length of at most 4080 bytes"};
  }
  if (command == kProxy && length < address_bytes(byte_at(seen, kFamilyAt))) {
    return ProxyMistake{kLengthAt, "a length that holds the addresses"};
  }
  return {};
}

// `header` is whole, and what check_fixed() looks at is right.
ProxyParse parse_whole_v2(std::string_view header) noexcept {
  const bool is_local = byte_at(header, kCommandAt) == kLocal;
  const auto family = byte_at(header, kFamilyAt);
  std::size_t tlvs_at = kFixedBytes;
  if (is_family_known(family)) tlvs_at += address_bytes(family);
  if (tlvs_at > header.size()) tlvs_at = kFixedBytes;
  const auto tlvs = check_tlvs(header, tlvs_at);
  if (tlvs.unconfirmed) return invalid(*tlvs.unconfirmed);
  ProxyHeader result{.size = header.size()};
  // What a LOCAL header holds is to be ignored.
  if (is_local) return {State::Complete, result, {}};
  if (tlvs.malformed) return invalid(*tlvs.malformed);
  if (family != kTcpOverV4 && family != kTcpOverV6) return {State::Complete, result, {}};
  const std::size_t ip_bytes = family == kTcpOverV4 ? 4 : 16;
  result.relayed = family == kTcpOverV4 ? Relayed::V4 : Relayed::V6;
  std::memcpy(result.client_ip.data(), header.data() + kFixedBytes, ip_bytes);
  result.client_port = u16_at(header, kFixedBytes + 2 * ip_bytes);
  return {State::Complete, result, {}};
}

ProxyParse parse_v2(std::string_view seen) noexcept {
  if (!may_become(seen, kSignature)) {
    return invalid(common(seen, kSignature), "the signature of version 2");
  }
  if (const auto mistake = check_fixed(seen)) return invalid(*mistake);
  if (seen.size() < kFixedBytes) return {};
  const auto size = kFixedBytes + u16_at(seen, kLengthAt);
  if (seen.size() < size) return {};
  return parse_whole_v2(seen.substr(0, size));
}

}  // namespace

ProxyParse parse_proxy_header(std::string_view seen) noexcept {
  if (seen.empty()) return {};
  if (seen.front() == kPreamble.front()) return parse_v1(seen);
  if (seen.front() == kSignature.front()) return parse_v2(seen);
  return invalid(0, "PROXY or the signature of version 2");
}

}  // namespace chatgate::protocol
