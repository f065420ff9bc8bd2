#include "source.h"

#include <algorithm>

namespace chatgate::config {
namespace {

constexpr std::size_t kBlockBytes = 256;

// A UTF-8 character is counted at its first byte.
bool starts_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

}  // namespace

Source::Source(std::string_view text) : text_{text}, line_starts_{0} {
  std::size_t characters = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i % kBlockBytes == 0) characters_.push_back(characters);
    if (starts_character(text[i])) ++characters;
    if (text[i] == '\n') line_starts_.push_back(i + 1);
  }
  characters_.push_back(characters);
}

Position Source::at(std::size_t offset) const noexcept {
  offset = std::min(offset, text_.size());
  const auto after = std::upper_bound(line_starts_.begin(), line_starts_.end(), offset);
  const auto line = after - line_starts_.begin();
  const auto column = characters_before(offset) - characters_before(*(after - 1));
  return {static_cast<int>(line), static_cast<int>(column) + 1};
}

std::size_t Source::characters_before(std::size_t offset) const noexcept {
  if (offset >= text_.size()) return characters_.back();
  const auto block = offset / kBlockBytes;
  const auto rest = text_.substr(block * kBlockBytes, offset % kBlockBytes);
  const auto starts = std::count_if(rest.begin(), rest.end(), starts_character);
  return characters_[block] + static_cast<std::size_t>(starts);
}

}  // namespace chatgate::config
