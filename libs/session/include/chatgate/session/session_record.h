#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <chatgate/base/mutex.h>
#include <chatgate/base/strong_id.h>
#include <chatgate/base/units.h>
#include <chatgate/net/address.h>
#include <chatgate/session/end_reason.h>

namespace chatgate::session {

/// What one connection did so far. Never what it said.
struct SessionRecord {
  base::SessionId id;
  base::ListenerId listener;
  net::PeerAddress peer;
  base::Clock::time_point accepted_at;
  std::uint64_t messages = 0;
  std::uint64_t received_bytes = 0;
  std::uint64_t sent_bytes = 0;
};

/// What a session is doing.
enum class SessionState : std::uint8_t {
  ShakingHands,  // Agrees on TLS.
  Idle,          // Waits for its client.
  Reading,       // Has an unfinished line.
  Backlogged,    // Waits until its client has taken replies.
  Leaving,       // Says goodbye.
};

std::string_view word(SessionState state) noexcept;

/// A session that is open, as a worker showed it.
struct OpenSession {
  SessionRecord record;
  std::string_view listener_name;  // The one that ListenerCounters keeps.
  std::uint32_t worker = 0;
  base::Clock::time_point last_byte_at;
  std::size_t queued_bytes = 0;
  SessionState state = SessionState::Idle;
  bool speaks_telnet = false;
};

/// A connection that is gone, or was refused.
struct ClosedSession {
  SessionRecord record;
  EndReason reason = EndReason::InternalError;
  std::string_view listener_name;  // The one that ListenerCounters keeps: the listener may be gone.
  std::chrono::system_clock::time_point ended_at;
  base::Clock::duration duration{};
};

/// The last connections that ended or were refused, newest last.
///
/// Threads: any.
/// Cost: a short lock each connection, none a message; 1 MiB, taken at the start, so that no number
///   of connections makes the process grow.
class ClosedSessions {
 public:
  static constexpr std::size_t kClosedMax = 10'000;

  void add(const ClosedSession& session);
  std::vector<ClosedSession> list() const;

 private:
  mutable base::Mutex mutex_;
  std::vector<ClosedSession> ring_ CHATGATE_GUARDED_BY(mutex_) =
      std::vector<ClosedSession>(kClosedMax);
  std::uint64_t added_ CHATGATE_GUARDED_BY(mutex_) = 0;
};

}  // namespace chatgate::session
