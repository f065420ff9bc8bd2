#include <algorithm>

#include <chatgate/admission/early_drop.h>

namespace chatgate::admission {
namespace {

constexpr std::uint64_t kObserves = std::uint64_t{1} << 32;
constexpr std::uint64_t kOverloaded = std::uint64_t{1} << 33;
constexpr std::uint64_t kCountsPlaces = std::uint64_t{1} << 34;

// The memory's share, in the lower half.
constexpr double kWhole = 1 << 30;

// Spreads consecutive numbers over all 64 bits (Steele, Lea, Flood: Fast Splittable Pseudorandom
// Number Generators, 2014).
std::uint64_t mix(std::uint64_t number) noexcept {
  number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9;
  number = (number ^ (number >> 27)) * 0x94d049bb133111eb;
  return number ^ (number >> 31);
}

}  // namespace

void EarlyDrop::set(const Pressure& pressure) noexcept {
  const bool is_short = pressure.memory >= 1;
  std::uint64_t word = 0;
  if (pressure.mode != Mode::Off && (is_short || pressure.is_overloaded)) {
    word = static_cast<std::uint64_t>(std::clamp(pressure.memory, 0.0, 1.0) * kWhole);
    if (pressure.mode == Mode::Observe) word |= kObserves;
    if (pressure.is_overloaded) word |= kOverloaded;
    if (pressure.counts_places) word |= kCountsPlaces;
  }
  word_.store(word, std::memory_order_relaxed);
}

std::optional<EarlyDrop::Verdict> EarlyDrop::judge(std::uint32_t taken,
                                                   std::uint32_t limit) noexcept {
  const auto word = word_.load(std::memory_order_relaxed);
  const bool is_enforced = (word & kObserves) == 0;
  const double memory = static_cast<double>(static_cast<std::uint32_t>(word)) / kWhole;
  if (memory >= 1) return Verdict{Refusal::Memory, is_enforced};
  if ((word & kOverloaded) == 0) return std::nullopt;
  const double places = (word & kCountsPlaces) != 0 ? static_cast<double>(taken) / limit : 0;
  const double chance = early_drop_chance(std::max(memory, places));
  if (chance == 0 || draw() >= chance) return std::nullopt;
  return Verdict{Refusal::Overload, is_enforced};
}

// From 0 to below 1, evenly.
double EarlyDrop::draw() noexcept {
  constexpr std::uint64_t kStep = 0x9e3779b97f4a7c15;
  const auto number = mix(draws_.fetch_add(kStep, std::memory_order_relaxed));
  return static_cast<double>(number >> 11) / static_cast<double>(std::uint64_t{1} << 53);
}

}  // namespace chatgate::admission
