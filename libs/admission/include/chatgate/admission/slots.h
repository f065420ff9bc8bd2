#pragma once

#include <atomic>
#include <cstdint>

namespace chatgate::admission {

/// Places that are taken and given back, never more than the limit.
///
/// The number taken and the limit share one atomic word: to look and to take are one step, so no
/// moment has one too many, and a lowered limit holds from the return of set_limit() on.
///
/// Threads: any.
/// Cost: one atomic read-modify-write for each change, no lock.
class Slots {
 public:
  /// No limit that a count reaches.
  static constexpr std::uint32_t kUnlimited = UINT32_MAX;

  explicit Slots(std::uint32_t limit) noexcept;

  /// Takes a place, unless as many as the limit are taken: then returns false and takes none.
  [[nodiscard]] bool try_take() noexcept;

  /// Takes a place, beyond the limit if need be. Returns whether it is within the limit.
  bool take() noexcept;

  /// Gives places back. Requires that they are taken.
  void give_back(std::uint32_t places = 1) noexcept;

  /// Places taken stay taken, also those beyond the new limit.
  void set_limit(std::uint32_t limit) noexcept;

  std::uint32_t taken() const noexcept { return taken_in(word_.load()); }
  std::uint32_t limit() const noexcept { return limit_in(word_.load()); }
  bool has_room() const noexcept { return has_room_in(word_.load()); }

 private:
  using Word = std::uint64_t;  // The limit in the upper half, the number taken in the lower.

  static std::uint32_t taken_in(Word word) noexcept { return static_cast<std::uint32_t>(word); }
  static std::uint32_t limit_in(Word word) noexcept {
    return static_cast<std::uint32_t>(word >> 32);
  }
  static bool has_room_in(Word word) noexcept { return taken_in(word) < limit_in(word); }

  // Sequentially consistent throughout: Admission::announce_waiting() relies on one order of
  // give_back() and has_room() with its flag.
  std::atomic<Word> word_;
};

}  // namespace chatgate::admission
