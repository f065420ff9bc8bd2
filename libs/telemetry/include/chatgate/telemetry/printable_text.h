#pragma once

#include <string>
#include <string_view>

namespace chatgate::telemetry {

/// Makes any bytes safe to show on a terminal: one line of valid UTF-8 that no byte of `text` can
/// leave, recolour or reorder. What can be seen stays as it is, quotes and backslashes too.
///
/// Bytes below U+0020, DEL and what is not UTF-8 become `\xNN`, and the other invisible ones (C1
/// controls, line separators, the marks that reverse the direction of text, the byte order mark)
/// `\u{NNNN}`.
std::string printable_text(std::string_view text);

}  // namespace chatgate::telemetry
