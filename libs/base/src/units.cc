#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include <chatgate/base/assert.h>
#include <chatgate/base/units.h>

namespace chatgate::base {
namespace {

using std::chrono::nanoseconds;

struct DurationUnit {
  std::string_view name;
  std::int64_t nanoseconds;
};

// Longest first, so that `ms` is not taken for `m`.
constexpr std::array kDurationUnits{DurationUnit{"ms", 1'000'000},
                                    DurationUnit{"us", 1'000},
                                    DurationUnit{"ns", 1},
                                    DurationUnit{"h", 3'600'000'000'000},
                                    DurationUnit{"m", 60'000'000'000},
                                    DurationUnit{"s", 1'000'000'000}};

constexpr double kDurationMax = 100.0 * 365 * 24 * 3600 * 1e9;

struct BytesUnit {
  std::string_view name;
  std::size_t bytes;
};

constexpr std::array kBytesUnits{BytesUnit{"GiB", std::size_t{1} << 30},
                                 BytesUnit{"MiB", std::size_t{1} << 20},
                                 BytesUnit{"KiB", std::size_t{1} << 10}, BytesUnit{"B", 1}};

struct RateUnit {
  std::string_view name;
  double seconds;
};

constexpr std::array kRateUnits{RateUnit{"/s", 1}, RateUnit{"/m", 60}, RateUnit{"/h", 3600}};

// from_chars would take a sign, `inf` and `nan`; an operator who writes those made a mistake.
bool starts_with_digit(std::string_view text) {
  return !text.empty() && text.front() >= '0' && text.front() <= '9';
}

std::optional<double> take_number(std::string_view& text) {
  if (!starts_with_digit(text)) return std::nullopt;
  double number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

}  // namespace

std::optional<nanoseconds> parse_duration(std::string_view text) {
  if (text.empty()) return std::nullopt;
  double total = 0;
  while (!text.empty()) {
    const auto number = take_number(text);
    if (!number) return std::nullopt;
    const DurationUnit* found = nullptr;
    for (const auto& unit : kDurationUnits) {
      if (!text.starts_with(unit.name)) continue;
      found = &unit;
      break;
    }
    if (found == nullptr) return std::nullopt;
    text.remove_prefix(found->name.size());
    total += *number * static_cast<double>(found->nanoseconds);
    if (total > kDurationMax) return std::nullopt;
  }
  return nanoseconds{static_cast<std::int64_t>(std::llround(total))};
}

std::optional<Bytes> parse_bytes(std::string_view text) {
  if (!starts_with_digit(text)) return std::nullopt;
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  const std::string_view name{end, static_cast<std::size_t>(text.data() + text.size() - end)};
  for (const auto& unit : kBytesUnits) {
    if (name != unit.name) continue;
    if (number > std::numeric_limits<std::size_t>::max() / unit.bytes) return std::nullopt;
    return Bytes{number * unit.bytes};
  }
  return std::nullopt;
}

std::optional<Rate> parse_rate(std::string_view text) {
  const auto number = take_number(text);
  if (!number) return std::nullopt;
  for (const auto& unit : kRateUnits) {
    if (text == unit.name) return Rate{*number / unit.seconds};
  }
  return std::nullopt;
}

std::string to_text(nanoseconds duration) {
  constexpr std::array kWholeUnits{DurationUnit{"h", 3'600'000'000'000},
                                   DurationUnit{"m", 60'000'000'000},
                                   DurationUnit{"s", 1'000'000'000},
                                   DurationUnit{"ms", 1'000'000},
                                   DurationUnit{"us", 1'000},
                                   DurationUnit{"ns", 1}};
  if (duration == nanoseconds::zero()) return "0s";
  std::string text;
  auto rest = duration.count();
  for (const auto& unit : kWholeUnits) {
    const auto number = rest / unit.nanoseconds;
    rest %= unit.nanoseconds;
    if (number != 0) text += fmt::format("{}{}", number, unit.name);
  }
  return text;
}

std::string to_text(Bytes bytes) {
  for (const auto& unit : kBytesUnits) {
    if (bytes.count >= unit.bytes && bytes.count % unit.bytes == 0) {
      return fmt::format("{}{}", bytes.count / unit.bytes, unit.name);
    }
  }
  return "0B";
}

std::string to_text(Rate rate) {
  // In digits alone, as it is read: fmt would write an exponent for the very great and small.
  std::array<char, 400> digits{};  // The smallest double has 0. and 324 of them.
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(),
                                          rate.per_second, std::chars_format::fixed);
  CHATGATE_ASSERT(error == std::errc{});
  return fmt::format("{}/s", std::string_view{digits.data(), end});
}

}  // namespace chatgate::base
