#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace chatgate::telemetry {

/// One code point of a text, or a byte that begins none.
struct Utf8Unit {
  std::optional<char32_t> code_point;
  std::string_view bytes;  // One byte when there is no code point.
};

/// Takes the first unit off `text`, which is not empty. Only well-formed sequences are code points
/// (The Unicode Standard, table 3-7): no surrogates, nothing overlong.
Utf8Unit take_utf8(std::string_view& text);

/// Whether a terminal, an editor or a log viewer might act on the code point instead of showing it:
/// C0, DEL and C1, the separators U+2028 and U+2029, the directional marks of UAX #9, U+FEFF.
bool is_control(char32_t code_point);

}  // namespace chatgate::telemetry
