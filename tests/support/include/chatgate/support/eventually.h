#pragma once

#include <chrono>
#include <thread>

namespace chatgate::support {

/// Reached only by a test that fails; generous, because sanitizers and busy machines are slow.
inline constexpr std::chrono::seconds kPatience{10};

/// Whether `predicate` becomes true within `limit`. For what the code under test does on its own
/// threads and no socket tells of: prefer to wait for a line, an end of file or a metric.
template <class Predicate>
[[nodiscard]] bool eventually(Predicate predicate, std::chrono::milliseconds limit = kPatience) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!predicate()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  return true;
}

}  // namespace chatgate::support
