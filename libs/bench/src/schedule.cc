#include <cmath>

#include <chatgate/bench/schedule.h>

namespace chatgate::bench {
namespace {

constexpr double kNanoseconds = 1e9;

}  // namespace

Schedule::Time Schedule::due(std::uint64_t operation) const noexcept {
  const auto after = static_cast<double>(operation) * kNanoseconds / per_second_;
  return start_ + std::chrono::nanoseconds{std::llround(after)};
}

std::uint64_t Schedule::count_due(Time now) const noexcept {
  if (now < start_) return 0;
  const auto passed = static_cast<double>((now - start_).count());
  auto count = static_cast<std::uint64_t>(passed * per_second_ / kNanoseconds);
  // due() rounds to nanoseconds, which may put one more or one fewer before `now`.
  while (count > 0 && due(count - 1) > now) --count;
  while (due(count) <= now) ++count;
  return count;
}

}  // namespace chatgate::bench
