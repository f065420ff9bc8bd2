#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <chatgate/base/units.h>
#include <chatgate/telemetry/log_options.h>

namespace chatgate::telemetry {

/// Of one class of event, at most this many lines in any minute.
inline constexpr std::size_t kLinesPerMinuteMax = 8;
inline constexpr base::Clock::duration kLimitPeriod = std::chrono::minutes{1};
/// Classes told apart at one time; the rest shares one more.
inline constexpr std::size_t kEventClassesMax = 64;

/// How many events of a class were held back.
struct Suppressed {
  LogLevel level;
  std::string event;
  std::string key;  // Empty: none.
  std::uint64_t count;
};

/// Decides which of the events that clients can cause at will become a line.
///
/// Threads: none of its own; the caller locks. Times given never go back.
/// Cost: memory for 65 classes, whatever arrives; a comparison per active class each event.
class EventLimiter {
 public:
  EventLimiter();

  /// Whether the event becomes a line; it is counted as suppressed otherwise.
  bool admit(LogLevel level, std::string_view event, std::string_view key,
             base::Clock::time_point now);

  /// Takes the numbers of all classes whose first suppressed event is a minute old.
  std::vector<Suppressed> take_due(base::Clock::time_point now);
  /// Takes all numbers.
  std::vector<Suppressed> take_all();

 private:
  struct EventClass {
    bool matches(std::string_view other_event, std::string_view other_key) const {
      return event == other_event && key == other_key;
    }
    bool is_idle(base::Clock::time_point now) const;
    bool admit(base::Clock::time_point now);

    std::string event;
    std::string key;
    LogLevel level = LogLevel::Trace;  // The most severe of those suppressed.
    std::array<base::Clock::time_point, kLinesPerMinuteMax> admitted{};  // A ring.
    std::size_t oldest = 0;
    std::uint64_t admitted_count = 0;
    std::uint64_t suppressed = 0;
    base::Clock::time_point suppressed_since{};
  };

  EventClass& class_of(std::string_view event, std::string_view key, base::Clock::time_point now);
  static void take(EventClass& event_class, std::vector<Suppressed>& taken);

  std::vector<EventClass> classes_;
  EventClass others_;
};

}  // namespace chatgate::telemetry
