#include "utf8_unit.h"

#include <cstddef>

#include <chatgate/protocol/terminal.h>

namespace chatgate::protocol {
namespace {

constexpr char32_t kBell = 0x07;
constexpr char32_t kEscape = 0x1B;
constexpr char32_t kC1Dcs = 0x90;
constexpr char32_t kC1Sos = 0x98;
constexpr char32_t kC1Csi = 0x9B;
constexpr char32_t kC1StringEnd = 0x9C;
constexpr char32_t kC1Osc = 0x9D;
constexpr char32_t kC1Pm = 0x9E;
constexpr char32_t kC1Apc = 0x9F;

bool is_control(char32_t c) { return (c < 0x20 && c != '\t') || (c >= 0x7F && c <= 0x9F); }

bool is_bidirectional(char32_t c) {
  return c == 0x061C || c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x2069);
}

void skip_while_within(std::string_view& text, char min, char max) {
  while (!text.empty() && text.front() >= min && text.front() <= max) text.remove_prefix(1);
}

// Parameters and intermediates, then one final byte; another byte breaks the sequence off.
void skip_csi(std::string_view& text) {
  skip_while_within(text, 0x20, 0x3F);
  if (!text.empty() && text.front() >= 0x40 && text.front() <= 0x7E) text.remove_prefix(1);
}

// Up to ST or, as xterm ends an OSC, BEL. Without either a terminal would swallow all that follows.
void skip_string(std::string_view& text) {
  while (!text.empty()) {
    const auto unit = first_unit(text);
    const bool escape_end = text.starts_with("\x1B\\");
    text.remove_prefix(escape_end ? 2 : unit.size);
    if (escape_end) return;
    if (unit.valid && (unit.code_point == kBell || unit.code_point == kC1StringEnd)) return;
  }
}

void skip_sequence(char32_t introducer, std::string_view& text) {
  switch (introducer) {
    case kC1Csi:
      skip_csi(text);
      return;
    case kC1Dcs:
    case kC1Sos:
    case kC1Osc:
    case kC1Pm:
    case kC1Apc:
      skip_string(text);
      return;
    default:
      return;
  }
}

// ESC and a byte of 0x40 to 0x5F are the 7-bit form of a C1 control (ECMA-48, 5.3).
void skip_escape(std::string_view& text) {
  if (text.empty()) return;
  const char next = text.front();
  if (next >= 0x40 && next <= 0x5F) {
    text.remove_prefix(1);
    skip_sequence(static_cast<char32_t>(next + 0x40), text);
    return;
  }
  skip_while_within(text, 0x20, 0x2F);
  if (!text.empty() && text.front() >= 0x30 && text.front() <= 0x7E) text.remove_prefix(1);
}

}  // namespace

void append_terminal_safe(std::string_view text, std::string& out) {
  while (!text.empty()) {
    const auto unit = first_unit(text);
    const auto bytes = text.substr(0, unit.size);
    text.remove_prefix(unit.size);
    if (!unit.valid) {
      out += kReplacementCharacter;
    } else if (unit.code_point == kEscape) {
      skip_escape(text);
    } else if (is_control(unit.code_point)) {
      skip_sequence(unit.code_point, text);
    } else if (!is_bidirectional(unit.code_point)) {
      out += bytes;
    }
  }
}

}  // namespace chatgate::protocol
