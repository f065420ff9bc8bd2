#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace chatgate::ctl {

/// A column of a table for a terminal.
struct TextColumn {
  std::string_view title;
  enum class Side : std::uint8_t { Left, Right } side = Side::Left;
};

/// Rows under their titles, each column as wide as it needs, two blanks between. What a cell holds
/// is escaped: nothing in it can disturb the terminal.
std::string text_table(const std::vector<TextColumn>& columns,
                       const std::vector<std::vector<std::string>>& rows);

/// `text` filled up to `width` characters, or cut there.
std::string fit(std::string_view text, std::size_t width, TextColumn::Side side);

std::string short_count(double count);      // `812`, `12.3k`, `4.0M`: at most 5 characters.
std::string short_seconds(double seconds);  // `0.3s`, `45s`, `3m12s`, `2h05m`, `3d04h`

}  // namespace chatgate::ctl
