#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace chatgate::support {

/// A PROXY header as the specification describes it, read in another way than by the gateway.
struct ModelHeader {
  std::size_t size = 0;
  std::string client;  // `192.0.2.1:4711`, `[2001:db8::1]:4711`; empty when nobody is relayed.

  friend bool operator==(const ModelHeader&, const ModelHeader&) = default;
};

/// The header that `bytes` begin with, if there is a whole and right one.
std::optional<ModelHeader> model_proxy_header(const std::string& bytes);

/// A version 2 header: `command` 0x20 or 0x21, `family` 0x11 and the like, and what they say.
/// With `has_checksum` a CRC32C TLV stands last.
std::string make_proxy_v2(std::uint8_t command, std::uint8_t family, const std::string& addresses,
                          const std::string& tlvs = "", bool has_checksum = false);

/// `192.0.2.1` or `2001:db8::1` as 4 or 16 bytes; 4711 as 2 bytes.
std::string ip_bytes(const std::string& text);
std::string port_bytes(std::uint16_t port);

/// The CRC-32C of `bytes`, taken bit by bit.
std::uint32_t model_crc32c(std::string_view bytes);

}  // namespace chatgate::support
