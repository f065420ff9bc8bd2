#include <array>
#include <regex>
#include <stdexcept>

#include <arpa/inet.h>
#include <fmt/format.h>

#include <chatgate/support/proxy_header_model.h>

namespace chatgate::support {
namespace {

constexpr std::string_view kSignature{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr std::size_t kHeaderMax = 4096;
constexpr std::size_t kLineMax = 107;

std::string client_text(int family, const std::string& ip, std::size_t port) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(family, ip.data(), text.data(), text.size());
  return family == AF_INET ? fmt::format("{}:{}", text.data(), port)
                           : fmt::format("[{}]:{}", text.data(), port);
}

bool is_ip(int family, const std::string& text) {
  std::array<char, 16> ip{};
  return ::inet_pton(family, text.c_str(), ip.data()) == 1;
}

std::optional<ModelHeader> model_v1(const std::string& bytes) {
  static const std::string kNumber = "(0|[1-9][0-9]{0,4})";
  static const std::regex kTcp{"PROXY TCP([46]) ([0-9a-fA-F:.]+) ([0-9a-fA-F:.]+) " + kNumber +
                               " " + kNumber + "\r\n"};
  static const std::regex kUnknown{"PROXY UNKNOWN( [^\n]*)?\r\n"};
  const auto line = bytes.substr(0, bytes.find('\n') + 1);
  if (line.empty() || line.size() > kLineMax) return std::nullopt;
  if (std::regex_match(line, kUnknown)) return ModelHeader{line.size(), ""};
  std::smatch part;
  if (!std::regex_match(line, part, kTcp)) return std::nullopt;
  const int family = part[1] == "4" ? AF_INET : AF_INET6;
  if (!is_ip(family, part[2]) || !is_ip(family, part[3])) return std::nullopt;
  if (std::stoul(part[4]) > 65535 || std::stoul(part[5]) > 65535) return std::nullopt;
  std::array<char, 16> ip{};
  ::inet_pton(family, part[2].str().c_str(), ip.data());
  return ModelHeader{line.size(), client_text(family, {ip.data(), ip.size()}, std::stoul(part[4]))};
}

std::size_t number(const std::string& bytes, std::size_t at, std::size_t count) {
  std::size_t value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    value = value * 256 + static_cast<unsigned char>(bytes.at(at + i));
  }
  return value;
}

// Whether the rest of `header` is TLVs, and none of them a wrong checksum; throws if one is.
bool are_tlvs(const std::string& header, std::size_t at) {
  while (at != header.size()) {
    if (at + 3 > header.size()) return false;
    const auto length = number(header, at + 1, 2);
    if (at + 3 + length > header.size()) return false;
    if (header[at] == 3) {
      if (length != 4) return false;
      auto zeroed = header;
      zeroed.replace(at + 3, 4, 4, '\0');
      if (model_crc32c(zeroed) != number(header, at + 3, 4)) throw std::domain_error{"checksum"};
    }
    at += 3 + length;
  }
  return true;
}

std::optional<ModelHeader> model_v2(const std::string& bytes) {
  if (bytes.size() < 16) return std::nullopt;
  const auto command = number(bytes, 12, 1);
  const auto family = number(bytes, 13, 1);
  const auto size = 16 + number(bytes, 14, 2);
  if (size > bytes.size() || size > kHeaderMax) return std::nullopt;
  const bool is_known = family < 0x40 && family % 16 < 3;
  if (command != 0x20 && (command != 0x21 || !is_known)) return std::nullopt;
  auto at = 16 + (is_known ? std::array<std::size_t, 4>{0, 12, 36, 216}.at(family / 16) : 0);
  if (at > size && command == 0x21) return std::nullopt;
  if (at > size) at = 16;
  const auto header = bytes.substr(0, size);
  try {
    if (!are_tlvs(header, at) && command == 0x21) return std::nullopt;
  } catch (const std::domain_error&) {
    return std::nullopt;
  }
  if (command == 0x21 && family == 0x11) {
    return ModelHeader{size, client_text(AF_INET, header.substr(16, 4), number(header, 24, 2))};
  }
  if (command == 0x21 && family == 0x21) {
    return ModelHeader{size, client_text(AF_INET6, header.substr(16, 16), number(header, 48, 2))};
  }
  return ModelHeader{size, ""};
}

}  // namespace

std::uint32_t model_crc32c(std::string_view bytes) {
  std::uint32_t rest = ~std::uint32_t{0};
  for (const char byte : bytes) {
    for (int bit = 0; bit < 8; ++bit) {
      const bool differs = ((rest ^ static_cast<unsigned>(byte) >> bit) & 1U) != 0;
      rest = rest >> 1U ^ (differs ? 0x82F63B78U : 0U);
    }
  }
  return ~rest;
}

std::optional<ModelHeader> model_proxy_header(const std::string& bytes) {
  if (bytes.starts_with("PROXY ")) return model_v1(bytes);
  if (bytes.starts_with(kSignature)) return model_v2(bytes);
  return std::nullopt;
}

std::string port_bytes(std::uint16_t port) {
  return {static_cast<char>(port >> 8), static_cast<char>(port & 0xFF)};
}

std::string ip_bytes(const std::string& text) {
  std::string ip(16, '\0');
  if (::inet_pton(AF_INET6, text.c_str(), ip.data()) == 1) return ip;
  ip.resize(4);
  if (::inet_pton(AF_INET, text.c_str(), ip.data()) != 1) throw std::invalid_argument{text};
  return ip;
}

std::string make_proxy_v2(std::uint8_t command, std::uint8_t family, const std::string& addresses,
                          const std::string& tlvs, bool has_checksum) {
  const auto checksum = has_checksum ? std::string{"\x03\0\x04\0\0\0\0", 7} : std::string{};
  const auto rest = addresses + tlvs + checksum;
  auto header = std::string{kSignature} + static_cast<char>(command) + static_cast<char>(family) +
                port_bytes(static_cast<std::uint16_t>(rest.size())) + rest;
  if (has_checksum) {
    const auto crc = model_crc32c(header);
    header.replace(header.size() - 4, 4,
                   port_bytes(static_cast<std::uint16_t>(crc >> 16)) +
                       port_bytes(static_cast<std::uint16_t>(crc & 0xFFFF)));
  }
  return header;
}

}  // namespace chatgate::support
