#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include <chatgate/ctl/text_table.h>
#include <chatgate/telemetry/printable_text.h>

namespace chatgate::ctl {
namespace {

bool begins_character(char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, begins_character));
}

// The bytes of the first `width` characters.
std::string_view front(std::string_view text, std::size_t width) {
  std::size_t end = 0;
  while (end < text.size() && (width > 0 || !begins_character(text[end]))) {
    if (begins_character(text[end])) --width;
    ++end;
  }
  return text.substr(0, end);
}

}  // namespace

std::string fit(std::string_view text, std::size_t width, TextColumn::Side side) {
  const auto shown = front(text, width);
  const std::string blanks(width - width_of(shown), ' ');
  return side == TextColumn::Side::Right ? blanks + std::string{shown}
                                         : std::string{shown} + blanks;
}

std::string text_table(const std::vector<TextColumn>& columns,
                       const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::vector<std::string>> lines(1);
  for (const auto& column : columns) lines.front().emplace_back(column.title);
  for (const auto& row : rows) {
    auto& line = lines.emplace_back();
    for (const auto& cell : row) line.push_back(telemetry::printable_text(cell));
  }
  std::vector<std::size_t> widths(columns.size());
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < columns.size(); ++i) {
      widths[i] = std::max(widths[i], width_of(line[i]));
    }
  }
  std::string text;
  for (const auto& line : lines) {
    std::string written;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (i > 0) written += "  ";
      written += fit(line[i], widths[i], columns[i].side);
    }
    text += written.substr(0, written.find_last_not_of(' ') + 1) + '\n';
  }
  return text;
}

std::string short_count(double count) {
  constexpr std::array<char, 5> kUnits{'k', 'M', 'G', 'T', 'P'};
  if (count < 999.5) return fmt::format("{:.0f}", count);
  std::size_t unit = 0;
  count /= 1000;
  while (count >= 999.5 && unit + 1 < kUnits.size()) {
    count /= 1000;
    ++unit;
  }
  return fmt::format("{:.{}f}{}", count, count < 99.95 ? 1 : 0, kUnits[unit]);
}

std::string short_seconds(double seconds) {
  if (seconds < 9.95) return fmt::format("{:.1f}s", std::max(0.0, seconds));
  const auto whole = static_cast<std::uint64_t>(std::llround(std::min(seconds, 1e12)));
  if (whole < 60) return fmt::format("{}s", whole);
  if (whole < 3600) return fmt::format("{}m{:02}s", whole / 60, whole % 60);
  if (whole < 86'400) return fmt::format("{}h{:02}m", whole / 3600, whole % 3600 / 60);
  return fmt::format("{}d{:02}h", whole / 86'400, whole % 86'400 / 3600);
}

}  // namespace chatgate::ctl
