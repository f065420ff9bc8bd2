#include "utf8.h"

namespace chatgate::telemetry {
namespace {

unsigned char byte_at(std::string_view text, std::size_t i) {
  return static_cast<unsigned char>(text[i]);
}

// For a lead byte beyond ASCII; 0: there is no such sequence.
std::size_t sequence_length(unsigned char lead) {
  if (lead < 0xc2) return 0;
  if (lead < 0xe0) return 2;
  if (lead < 0xf0) return 3;
  return lead < 0xf5 ? 4 : 0;
}

// What a sequence of each length must reach at least: less is overlong.
constexpr char32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};

bool is_scalar_value(char32_t code_point, std::size_t length) {
  const bool surrogate = code_point >= 0xd800 && code_point <= 0xdfff;
  return code_point >= kLeast[length] && code_point <= 0x10ffff && !surrogate;
}

std::optional<char32_t> decode(std::string_view text, std::size_t length) {
  if (length == 0 || text.size() < length) return std::nullopt;
  char32_t code_point = byte_at(text, 0) & (0x7fU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    const auto byte = byte_at(text, i);
    if ((byte & 0xc0U) != 0x80) return std::nullopt;
    code_point = code_point << 6 | (byte & 0x3fU);
  }
  if (!is_scalar_value(code_point, length)) return std::nullopt;
  return code_point;
}

}  // namespace

Utf8Unit take_utf8(std::string_view& text) {
  if (byte_at(text, 0) < 0x80) {
    const Utf8Unit unit{byte_at(text, 0), text.substr(0, 1)};
    text.remove_prefix(1);
    return unit;
  }
  const auto length = sequence_length(byte_at(text, 0));
  const auto code_point = decode(text, length);
  const Utf8Unit unit{code_point, text.substr(0, code_point ? length : 1)};
  text.remove_prefix(unit.bytes.size());
  return unit;
}

bool is_control(char32_t code_point) {
  if (code_point < 0xa0) return code_point < 0x20 || code_point >= 0x7f;
  const auto within = [code_point](char32_t first, char32_t last) {
    return code_point >= first && code_point <= last;
  };
  return code_point == 0x61c || within(0x200e, 0x200f) || within(0x2028, 0x202e) ||
         within(0x2066, 0x2069) || code_point == 0xfeff;
}

}  // namespace chatgate::telemetry
