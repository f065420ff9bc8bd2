#include <chatgate/session/options.h>

namespace chatgate::session {
namespace {

using std::chrono::nanoseconds;

// The shorter of two limits, of which 0 is none.
nanoseconds shorter(nanoseconds one, nanoseconds other) noexcept {
  if (one.count() == 0) return other;
  return other.count() != 0 && other < one ? other : one;
}

}  // namespace

TimeoutOptions hurried_timeouts(admission::OverloadLevel level, const TimeoutOptions& timeouts,
                                const OverloadTimeouts& hurried) noexcept {
  auto result = timeouts;
  if (level >= admission::OverloadLevel::Newcomers) {
    result.first_message = shorter(timeouts.first_message, hurried.first_message);
  }
  if (level >= admission::OverloadLevel::All) {
    result.idle = shorter(timeouts.idle, hurried.idle);
    result.line = shorter(timeouts.line, hurried.line);
    result.write = shorter(timeouts.write, hurried.write);
  }
  return result;
}

}  // namespace chatgate::session
