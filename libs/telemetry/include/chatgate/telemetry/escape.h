#pragma once

#include <string>
#include <string_view>

namespace chatgate::telemetry {

/// Makes any bytes safe to show on a terminal and to put between double quotes: one line of valid
/// UTF-8 that no byte of `text` can leave, recolour or reorder.
///
/// A quote and a backslash get a backslash, bytes below U+0020, DEL and what is not UTF-8 become
/// `\xNN`, and the other invisible ones (C1 controls, line separators, the marks that reverse the
/// direction of text, the byte order mark) `\u{NNNN}`. No two texts have the same escape.
std::string escape_text(std::string_view text);

}  // namespace chatgate::telemetry
