#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include <chatgate/base/units.h>

namespace chatgate::admission {

/// What a client did that its source pays for.
enum class Offence : std::uint8_t { WrongProtocol, IdleBeforeFirstMessage, ProtocolError };

inline constexpr std::size_t kOffenceCount = 3;

/// When penalties refuse a source, and how long they may become.
struct PenaltyRules {
  std::chrono::nanoseconds min{};  // A source is barred from so much on, until nothing is left.
  std::chrono::nanoseconds max{};
};

/// The penalty of one source, as one word: the instant at which nothing is left of it, and whether
/// it bars the source until then. So it decays in real time, and needs no looking after.
///
/// Threads: constant; the word itself is kept in an atomic.
class Penalty {
 public:
  using Clock = base::Clock;
  using Word = Clock::rep;

  constexpr Penalty() noexcept = default;
  constexpr explicit Penalty(Word word) noexcept : word_{word} {}

  constexpr Word word() const noexcept { return word_; }

  /// What is left of it at `now`.
  constexpr Clock::duration left(Clock::time_point now) const noexcept {
    const auto until = Clock::time_point{Clock::duration{word_ & ~kBarred}};
    return until > now ? until - now : Clock::duration::zero();
  }

  /// Whether it bars its source at `now`.
  constexpr bool bars(Clock::time_point now) const noexcept {
    return (word_ & kBarred) != 0 && left(now) > Clock::duration::zero();
  }

  /// This penalty with `amount` more, at most `rules.max` in all.
  constexpr Penalty plus(std::chrono::nanoseconds amount, const PenaltyRules& rules,
                         Clock::time_point now) const noexcept {
    const auto sum = left(now) + amount;
    const auto capped = sum < rules.max ? sum : rules.max;
    const bool is_barred = bars(now) || capped >= rules.min;
    const Word until = (now + capped).time_since_epoch().count();
    return Penalty{(until & ~kBarred) | (is_barred ? kBarred : 0)};
  }

 private:
  static constexpr Word kBarred = 1;  // The lowest bit: a nanosecond more or less.

  Word word_ = 0;
};

}  // namespace chatgate::admission
