#include "time_text.h"

#include <fmt/chrono.h>

namespace chatgate::admin {

using std::chrono::milliseconds;

double to_seconds(std::chrono::nanoseconds duration) noexcept {
  const auto rounded = std::chrono::round<milliseconds>(duration);
  return static_cast<double>(rounded.count()) / 1000;
}

std::string to_rfc3339(WallTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto rest = std::chrono::floor<milliseconds>(time - seconds);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)), rest.count());
}

}  // namespace chatgate::admin
