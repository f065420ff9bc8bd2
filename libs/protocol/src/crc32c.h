#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace chatgate::protocol {

/// CRC-32C (Castagnoli, RFC 4960 appendix B) of the pieces that were added, one behind the other.
class Crc32c {
 public:
  constexpr Crc32c& add(std::string_view bytes) noexcept {
    for (const char byte : bytes) {
      rest_ = kTable[(rest_ ^ static_cast<unsigned char>(byte)) & 0xFFU] ^ rest_ >> 8U;
    }
    return *this;
  }
  constexpr std::uint32_t value() const noexcept { return ~rest_; }

 private:
  static constexpr auto kTable = [] {
    constexpr std::uint32_t kReversedPolynomial = 0x82F63B78;
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < table.size(); ++i) {
      std::uint32_t rest = i;
      for (int bit = 0; bit < 8; ++bit) {
        rest = (rest & 1U) != 0 ? kReversedPolynomial ^ rest >> 1U : rest >> 1U;
      }
      table[i] = rest;
    }
    return table;
  }();

  std::uint32_t rest_ = ~std::uint32_t{0};
};

static_assert(Crc32c{}.add("123456789").value() == 0xE3069283, "the check value of CRC-32C");

}  // namespace chatgate::protocol
