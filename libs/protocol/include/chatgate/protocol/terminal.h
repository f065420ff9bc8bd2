#pragma once

#include <string>
#include <string_view>

namespace chatgate::protocol {

/// Appends what of `text` may stand on another person's terminal.
///
/// Takes out control characters but TAB (C0, DEL, C1), escape sequences whole (CSI, OSC and the
/// other strings of ECMA-48) and bidirectional controls (U+061C, U+200E, U+200F, U+202A-202E,
/// U+2066-2069). What is not UTF-8 becomes U+FFFD, so that nothing taken out joins its neighbours
/// to something new: what is appended is always valid.
void append_terminal_safe(std::string_view text, std::string& out);

}  // namespace chatgate::protocol
