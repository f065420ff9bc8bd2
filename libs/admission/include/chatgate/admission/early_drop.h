#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include <chatgate/admission/options.h>
#include <chatgate/admission/overload.h>
#include <chatgate/admission/refusal.h>

namespace chatgate::admission {

/// What admission is told of an overload, several times a second.
struct Pressure {
  Mode mode = Mode::Off;       // Off: nobody is refused for it.
  bool is_overloaded = false;  // Newcomers may be refused at random.
  bool counts_places = false;  // By the places that are taken; by the memory always.
  double memory = 0;           // The share of the budget that is in use.
};

/// The last check of an admission: whether a newcomer who has found a place is refused all the
/// same, because memory is short or at random while there is an overload.
///
/// Threads: any. Cost: one relaxed load while there is neither.
class EarlyDrop {
 public:
  /// `seed` makes it unknown to others who is refused.
  explicit EarlyDrop(std::uint64_t seed) noexcept : draws_{seed} {}

  void set(const Pressure& pressure) noexcept;

  /// Whether nobody is refused now: then there is nothing to judge.
  bool is_asleep() const noexcept { return word_.load(std::memory_order_relaxed) == 0; }

  struct Verdict {
    Refusal refusal;
    bool is_enforced;  // Or only observed.
  };

  /// Why a newcomer is refused who came when `taken` of `limit` places were taken, if he is.
  std::optional<Verdict> judge(std::uint32_t taken, std::uint32_t limit) noexcept;

 private:
  double draw() noexcept;

  // The pressure as one word, 0 while nobody can be refused for it: no reader sees half of one.
  std::atomic<std::uint64_t> word_{0};
  std::atomic<std::uint64_t> draws_;
};

}  // namespace chatgate::admission
