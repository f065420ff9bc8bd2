#include <algorithm>
#include <cstddef>
#include <numeric>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chatgate/config/wording.h>

namespace chatgate::config {
namespace {

constexpr std::size_t kQuotedBytesMax = 60;
// Longer than every key and word there is: a hostile file must not buy quadratic work.
constexpr std::size_t kSuggestedBytesMax = 64;

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      result += {'\\', c};
    } else if (c == '\n') {
      result += "\\n";
    } else if (c == '\t') {
      result += "\\t";
    } else if (byte < 0x20 || byte == 0x7F) {
      result += fmt::format("\\x{:02x}", byte);
    } else {
      result += c;
    }
  }
  return result;
}

// The Levenshtein distance, where a swap of neighbours counts as one slip too.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(last.begin(), last.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t cost = a[i - 1] == b[j - 1] ? 0 : 1;
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + cost});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

// Number of bytes that the UTF-8 sequence at the front of `text` takes; 0 when it is malformed.
std::size_t sequence_size(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto first = at(0);
  if (first < 0x80) return 1;
  if (first < 0xC2 || first > 0xF4) return 0;
  const std::size_t size = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  if (text.size() < size) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((at(i) & 0xC0) != 0x80) return 0;
  }
  const auto second = at(1);
  const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
  const bool surrogate = first == 0xED && second >= 0xA0;
  const bool beyond = first == 0xF4 && second >= 0x90;
  return overlong || surrogate || beyond ? 0 : size;
}

}  // namespace

std::string in_quotes(std::string_view text) {
  if (text.size() <= kQuotedBytesMax) return '"' + escaped(text) + '"';
  auto end = kQuotedBytesMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return '"' + escaped(text.substr(0, end)) + "…\"";
}

std::string yaml_quoted(std::string_view text) { return '"' + escaped(text) + '"'; }

std::string nearest(std::string_view text, const std::vector<std::string>& candidates) {
  if (text.size() > kSuggestedBytesMax) return "";
  const std::string* found = nullptr;
  // One slip in three letters, three in all, still show what was meant.
  auto bound = std::clamp<std::size_t>(text.size() / 3, 1, 3) + 1;
  for (const auto& candidate : candidates) {
    const auto slips = distance(text, candidate);
    if (slips >= bound) continue;
    bound = slips;
    found = &candidate;
  }
  return found == nullptr ? "" : fmt::format(", did you mean {}?", in_quotes(*found));
}

std::string suggestion(std::string_view text, const std::vector<std::string>& candidates) {
  auto hint = nearest(text, candidates);
  if (!hint.empty() || candidates.empty()) return hint;
  return "; expected one of " + joined(candidates);
}

std::string joined(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, ", "));
}

std::size_t utf8_prefix(std::string_view text) {
  std::size_t prefix = 0;
  while (prefix < text.size()) {
    const auto size = sequence_size(text.substr(prefix));
    if (size == 0) break;
    prefix += size;
  }
  return prefix;
}

}  // namespace chatgate::config
