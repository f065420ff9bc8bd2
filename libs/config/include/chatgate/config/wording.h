#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace chatgate::config {

/// `text` for a message: in double quotes, cut after 60 bytes, with nothing that could disturb a
/// terminal.
std::string in_quotes(std::string_view text);

/// `text` as a double-quoted YAML scalar on one line, whatever bytes it holds.
std::string yaml_quoted(std::string_view text);

/// `, did you mean "x"?` for the candidate that is a typing slip away from `text`; else empty.
std::string nearest(std::string_view text, const std::vector<std::string>& candidates);

/// What nearest() says; when that is nothing, `; expected one of a, b, c`.
std::string suggestion(std::string_view text, const std::vector<std::string>& candidates);

/// `a, b, c`.
std::string joined(const std::vector<std::string>& words);

/// Bytes at the front of `text` that are well-formed UTF-8 (RFC 3629: no surrogates, no overlong
/// forms); all of them when the text is.
std::size_t utf8_prefix(std::string_view text);

}  // namespace chatgate::config
