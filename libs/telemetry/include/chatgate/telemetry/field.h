#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <variant>

namespace chatgate::telemetry {

/// One `name=value` of a log event. A string may hold any bytes: the log escapes it. A duration is
/// written in seconds.
///
/// Lifetime: views its name and a string value; meant to live for the one call that logs it.
struct Field {
  using Value = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool,
                             std::chrono::nanoseconds>;

  /// `name` is a snake_case word of ours; `time`, `level` and `event` are taken.
  template <class T>
  Field(std::string_view field_name, const T& field_value)
      : name{field_name}, value{value_of(field_value)} {}

  std::string_view name;
  Value value;

 private:
  // One place to choose: std::variant's own conversion would take a pointer for a bool.
  template <class T>
  static Value value_of(const T& value) {
    if constexpr (std::same_as<T, bool>) {
      return value;
    } else if constexpr (std::convertible_to<const T&, std::string_view>) {
      return std::string_view{value};
    } else if constexpr (std::convertible_to<const T&, std::chrono::nanoseconds>) {
      return std::chrono::nanoseconds{value};
    } else if constexpr (std::floating_point<T>) {
      return double{value};
    } else if constexpr (std::signed_integral<T>) {
      return std::int64_t{value};
    } else {
      static_assert(std::unsigned_integral<T>, "a string, a number, a bool or a duration");
      return std::uint64_t{value};
    }
  }
};

}  // namespace chatgate::telemetry
