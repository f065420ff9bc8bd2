#include <algorithm>
#include <utility>

#include <chatgate/base/assert.h>
#include <chatgate/session/session_record.h>

namespace chatgate::session {

std::string_view word(SessionState state) noexcept {
  switch (state) {
    case SessionState::Idle:
      return "idle";
    case SessionState::Reading:
      return "reading";
    case SessionState::Backlogged:
      return "backlogged";
    case SessionState::Leaving:
      return "leaving";
  }
  CHATGATE_ASSERT(false);
}

void ClosedSessions::add(ClosedSession session) {
  const base::MutexLock lock{mutex_};
  if (ring_.size() < kClosedMax) {
    ring_.push_back(std::move(session));
    return;
  }
  ring_[oldest_] = std::move(session);
  oldest_ = (oldest_ + 1) % kClosedMax;
}

std::vector<ClosedSession> ClosedSessions::list() const {
  const base::MutexLock lock{mutex_};
  auto sessions = ring_;
  std::rotate(sessions.begin(), sessions.begin() + static_cast<std::ptrdiff_t>(oldest_),
              sessions.end());
  return sessions;
}

}  // namespace chatgate::session
