#include "utf8_unit.h"

#include <cstdint>
#include <cstring>

#include <chatgate/protocol/utf8.h>

namespace chatgate::protocol {
namespace {

// What a lead byte announces. Overlong forms, surrogates and what lies above U+10FFFF show in the
// range of the second byte (RFC 3629, section 4).
struct Lead {
  std::size_t size;  // Of the character; 0 when no character begins so.
  unsigned char second_min;
  unsigned char second_max;
  unsigned char payload_mask;
};

Lead classify(unsigned char byte) {
  if (byte < 0x80) return {1, 0x80, 0xBF, 0x7F};
  if (byte < 0xC2) return {0, 0x80, 0xBF, 0};
  if (byte < 0xE0) return {2, 0x80, 0xBF, 0x1F};
  if (byte == 0xE0) return {3, 0xA0, 0xBF, 0x0F};
  if (byte == 0xED) return {3, 0x80, 0x9F, 0x0F};
  if (byte < 0xF0) return {3, 0x80, 0xBF, 0x0F};
  if (byte == 0xF0) return {4, 0x90, 0xBF, 0x07};
  if (byte < 0xF4) return {4, 0x80, 0xBF, 0x07};
  if (byte == 0xF4) return {4, 0x80, 0x8F, 0x07};
  return {0, 0x80, 0xBF, 0};
}

std::size_t ascii_prefix(std::string_view text) {
  constexpr std::uint64_t kHighBits = 0x8080808080808080;
  std::size_t size = 0;
  while (size + sizeof(std::uint64_t) <= text.size()) {
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, text.data() + size, sizeof bytes);
    if ((bytes & kHighBits) != 0) break;
    size += sizeof bytes;
  }
  while (size < text.size() && static_cast<unsigned char>(text[size]) < 0x80) ++size;
  return size;
}

std::size_t valid_prefix(std::string_view text) {
  std::size_t size = ascii_prefix(text);
  while (size < text.size()) {
    const auto unit = first_unit(text.substr(size));
    if (!unit.valid) break;
    size += unit.size;
    if (size < text.size() && static_cast<unsigned char>(text[size]) < 0x80) {
      size += ascii_prefix(text.substr(size));
    }
  }
  return size;
}

}  // namespace

Utf8Unit first_unit(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  const auto lead = classify(first);
  if (lead.size == 0) return {.size = 1};

  char32_t code_point = first & lead.payload_mask;
  auto min = lead.second_min;
  auto max = lead.second_max;
  for (std::size_t i = 1; i < lead.size; ++i) {
    if (i == text.size()) return {.size = i, .truncated = true};
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < min || byte > max) return {.size = i};
    code_point = code_point << 6 | (byte & 0x3F);
    min = 0x80;
    max = 0xBF;
  }
  return {.size = lead.size, .code_point = code_point, .valid = true};
}

bool is_valid_utf8(std::string_view text) { return valid_prefix(text) == text.size(); }

std::string_view replace_invalid(std::string_view text, std::string& scratch) {
  auto valid = valid_prefix(text);
  if (valid == text.size()) return text;

  scratch.clear();
  while (valid < text.size()) {
    scratch += text.substr(0, valid);
    scratch += kReplacementCharacter;
    text.remove_prefix(valid);
    text.remove_prefix(first_unit(text).size);
    valid = valid_prefix(text);
  }
  scratch += text;
  return scratch;
}

std::size_t incomplete_suffix(std::string_view text) {
  for (std::size_t size = 1; size <= 3 && size <= text.size(); ++size) {
    const auto suffix = text.substr(text.size() - size);
    const bool continuation = (static_cast<unsigned char>(suffix.front()) & 0xC0) == 0x80;
    if (continuation) continue;
    const auto unit = first_unit(suffix);
    return unit.truncated ? unit.size : 0;
  }
  return 0;
}

}  // namespace chatgate::protocol
