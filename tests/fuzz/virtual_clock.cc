#include "virtual_clock.h"

#include <atomic>

namespace {

// Far from the kernel's own clock, so that no timer descriptor ever expires by itself.
constinit std::atomic<std::chrono::nanoseconds::rep> g_now{1'000'000'000'000'000'000};

}  // namespace

// The program's definition comes before the library's.
std::chrono::steady_clock::time_point std::chrono::steady_clock::now() noexcept {
  return time_point{duration{g_now.load()}};
}

void chatgate::fuzz::pass_time(std::chrono::nanoseconds time) noexcept {
  g_now.fetch_add(time.count());
}
