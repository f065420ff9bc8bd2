#pragma once

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace chatgate::base {

/// The one clock for time-outs and delays; never goes back.
using Clock = std::chrono::steady_clock;

/// An amount of memory or of data, in bytes.
struct Bytes {
  std::size_t count = 0;

  friend constexpr auto operator<=>(Bytes, Bytes) = default;
};

constexpr Bytes operator""_B(unsigned long long n) { return {static_cast<std::size_t>(n)}; }
constexpr Bytes operator""_KiB(unsigned long long n) { return {static_cast<std::size_t>(n) << 10}; }
constexpr Bytes operator""_MiB(unsigned long long n) { return {static_cast<std::size_t>(n) << 20}; }

/// Events a second.
struct Rate {
  double per_second = 0;

  friend constexpr auto operator<=>(Rate, Rate) = default;
};

/// Reads `250ms`, `30s`, `15m`, `2h` and sums such as `1m30s`; a fraction (`1.5s`) is allowed. The
/// unit is mandatory, for 0 too. Returns nullopt for anything else, negative or beyond 100 years.
std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text);

/// Reads `512B`, `4KiB`, `16MiB`, `1GiB`. The unit is mandatory. Whole numbers only.
std::optional<Bytes> parse_bytes(std::string_view text);

/// Reads `20/s`, `90/m`, `5/h`; a fraction is allowed. The unit is mandatory.
std::optional<Rate> parse_rate(std::string_view text);

/// The shortest text that the matching parse function reads back to the same value.
std::string to_text(std::chrono::nanoseconds duration);
std::string to_text(Bytes bytes);
std::string to_text(Rate rate);

}  // namespace chatgate::base
