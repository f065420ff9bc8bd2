#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include <chatgate/config/diagnostic.h>

namespace chatgate::config {

/// The text of a file, and where its bytes stand in it. The text must outlive this.
///
/// Cost: at() looks at 256 bytes at most, so that a hostile file of one long line with a mistake in
/// each byte stays cheap.
class Source {
 public:
  explicit Source(std::string_view text);

  std::string_view text() const noexcept { return text_; }
  /// The position of a byte; beyond the end it is the position of the end.
  Position at(std::size_t offset) const noexcept;

 private:
  /// Number of characters before the byte at `offset`.
  std::size_t characters_before(std::size_t offset) const noexcept;

  const std::string_view text_;
  std::vector<std::size_t> line_starts_;
  std::vector<std::size_t> characters_;  // Before each block of kBlockBytes.
};

}  // namespace chatgate::config
