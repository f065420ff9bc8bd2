#include <algorithm>
#include <utility>

#include <chatgate/base/assert.h>
#include <chatgate/session/session_record.h>

namespace chatgate::session {

std::string_view word(SessionState state) noexcept {
  switch (state) {
    case SessionState::ShakingHands:
      return "handshake";
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

void ClosedSessions::add(const ClosedSession& session) {
  const base::MutexLock lock{mutex_};
  ring_[added_++ % kClosedMax] = session;
}

std::vector<ClosedSession> ClosedSessions::list() const {
  const base::MutexLock lock{mutex_};
  const auto count = std::min<std::uint64_t>(added_, kClosedMax);
  std::vector<ClosedSession> sessions;
  sessions.reserve(count);
  for (auto i = added_ - count; i < added_; ++i) sessions.push_back(ring_[i % kClosedMax]);
  return sessions;
}

}  // namespace chatgate::session
