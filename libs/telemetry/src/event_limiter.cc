#include "event_limiter.h"

#include <algorithm>
#include <utility>

namespace chatgate::telemetry {

EventLimiter::EventLimiter() { others_.event = "other_events"; }

// An idle class may give its place away: it owes no number, and its next event would start anew.
bool EventLimiter::EventClass::is_idle(base::Clock::time_point now) const {
  if (suppressed != 0) return false;
  const auto newest = admitted[(oldest + kLinesPerMinuteMax - 1) % kLinesPerMinuteMax];
  return now - newest >= kLimitPeriod;
}

bool EventLimiter::EventClass::admit(base::Clock::time_point now) {
  const bool full = admitted_count >= kLinesPerMinuteMax;
  if (full && now - admitted[oldest] < kLimitPeriod) return false;
  admitted[oldest] = now;
  oldest = (oldest + 1) % kLinesPerMinuteMax;
  ++admitted_count;
  return true;
}

bool EventLimiter::admit(LogLevel level, std::string_view event, std::string_view key,
                         base::Clock::time_point now) {
  auto& event_class = class_of(event, key, now);
  if (event_class.admit(now)) return true;
  if (event_class.suppressed++ == 0) event_class.suppressed_since = now;
  event_class.level = std::max(event_class.level, level);
  return false;
}

EventLimiter::EventClass& EventLimiter::class_of(std::string_view event, std::string_view key,
                                                 base::Clock::time_point now) {
  EventClass* idle = nullptr;
  for (auto& event_class : classes_) {
    if (event_class.matches(event, key)) return event_class;
    if (idle == nullptr && event_class.is_idle(now)) idle = &event_class;
  }
  if (idle == nullptr && classes_.size() == kEventClassesMax) return others_;
  if (idle == nullptr) idle = &classes_.emplace_back();
  *idle = EventClass{};
  idle->event = event;
  idle->key = key;
  return *idle;
}

void EventLimiter::take(EventClass& event_class, std::vector<Suppressed>& taken) {
  if (event_class.suppressed == 0) return;
  taken.push_back({std::exchange(event_class.level, LogLevel::Trace), event_class.event,
                   event_class.key, std::exchange(event_class.suppressed, 0)});
}

std::vector<Suppressed> EventLimiter::take_due(base::Clock::time_point now) {
  std::vector<Suppressed> taken;
  const auto take_if_due = [&](EventClass& event_class) {
    if (now - event_class.suppressed_since >= kLimitPeriod) take(event_class, taken);
  };
  std::for_each(classes_.begin(), classes_.end(), take_if_due);
  take_if_due(others_);
  return taken;
}

std::vector<Suppressed> EventLimiter::take_all() {
  std::vector<Suppressed> taken;
  for (auto& event_class : classes_) take(event_class, taken);
  take(others_, taken);
  return taken;
}

}  // namespace chatgate::telemetry
