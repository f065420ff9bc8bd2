#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include <chatgate/base/units.h>

namespace chatgate::admission {

/// From this share of a limit on, newcomers are refused at random while there is an overload; at
/// all of it nobody comes in.
inline constexpr double kEarlyDropFrom = 0.8;

/// The chance that a newcomer is refused while `share` of a limit is taken: 0 at kEarlyDropFrom,
/// 1 at all of it, in between on a straight line (sshd's MaxStartups; Floyd and Jacobson: Random
/// Early Detection, 1993).
constexpr double early_drop_chance(double share) noexcept {
  if (share <= kEarlyDropFrom) return 0;
  if (share >= 1) return 1;
  return (share - kEarlyDropFrom) / (1 - kEarlyDropFrom);
}

/// How far the gateway defends itself: those who have said nothing pay first.
enum class OverloadLevel : std::uint8_t {
  None,
  Newcomers,  // Newcomers are refused early, and who has said nothing has less time.
  All,        // Those have had their time: who is silent or slow has less, too.
};

/// What an overload comes from.
enum class OverloadCause : std::uint8_t { Connections, Memory, Operator };

inline constexpr std::size_t kOverloadCauseCount = 3;

/// `connections`, `memory`, `operator`.
std::string_view word(OverloadCause cause) noexcept;

/// Decides when an overload begins, deepens and ends.
///
/// It begins when every place is taken for kFullFor, at once when kEarlyDropFrom of the memory
/// budget is in use, and when an operator says so. It ends when for kCalmFor nothing of that held
/// and fewer than kEarlyDropFrom of the places and of the budget were taken; at once when an
/// operator takes back what he forced.
///
/// Threads: confined to one. Pure: time is an argument.
class OverloadWatch {
 public:
  using Clock = base::Clock;

  static constexpr std::chrono::seconds kFullFor{1};
  static constexpr std::chrono::seconds kCalmFor{10};

  /// What is seen at one time. Shares are of the limit, from 0 on.
  struct Look {
    Clock::time_point at;
    bool is_full = false;  // Somebody found no place since the last look, or would now.
    double places = 0;
    double memory = 0;
  };

  struct State {
    OverloadLevel level = OverloadLevel::None;
    OverloadCause cause = OverloadCause::Connections;  // Of a level beyond None.
    bool is_forced = false;
  };

  /// Takes a look into account. Who has said nothing has `first_message` until the level becomes
  /// All.
  State look(const Look& look, std::chrono::nanoseconds first_message);

  /// An overload from the next look on, until release().
  void force() noexcept { state_.is_forced = true; }

  /// Ends what was forced; whatever else there is begins anew at the next look. Returns whether
  /// anything was forced.
  bool release() noexcept;

  /// Forgets everything: nobody is to look any more.
  void reset() noexcept { *this = {}; }

  const State& state() const noexcept { return state_; }

 private:
  std::optional<OverloadCause> cause_of(const Look& look) noexcept;

  State state_;
  Clock::time_point began_at_;
  std::optional<Clock::time_point> full_since_;
  std::optional<Clock::time_point> calm_since_;
};

}  // namespace chatgate::admission
