#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace chatgate::protocol {

/// UTF-8 as RFC 3629 has it: no overlong form, no surrogate, nothing above U+10FFFF.
/// Cost: ASCII is passed over 8 bytes at a time.
bool is_valid_utf8(std::string_view text);

/// `text` with U+FFFD in place of each maximal part that is not UTF-8 (Unicode 3.9, the practice of
/// browsers). Returns `text` itself when it is valid, else a view of `scratch`, which is
/// overwritten and gets at most three times as long as `text`.
std::string_view replace_invalid(std::string_view text, std::string& scratch);

/// The number of bytes, 0 to 3, at the end of `text` that begin a character and do not end it: what
/// the next read may complete.
std::size_t incomplete_suffix(std::string_view text);

}  // namespace chatgate::protocol
