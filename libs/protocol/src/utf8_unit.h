#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace chatgate::protocol {

/// U+FFFD, the replacement character.
inline constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";

/// What stands at the front of a text: one character, or the maximal part that is none.
struct Utf8Unit {
  std::size_t size = 0;     // Bytes taken, 1 to 4.
  char32_t code_point = 0;  // Meaningless unless valid.
  bool valid = false;
  bool truncated = false;  // Not valid only because the text ends.
};

/// Reads the first unit of `text`, which is not empty.
Utf8Unit first_unit(std::string_view text);

}  // namespace chatgate::protocol
