#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <chatgate/admission/overload.h>
#include <chatgate/base/units.h>

namespace chatgate::session {

enum class Framing : std::uint8_t { Line, Read };
enum class OnOverlong : std::uint8_t { Resync, Close };
enum class Utf8 : std::uint8_t { Replace, Reject, Pass };
enum class Telnet : std::uint8_t { Passive, Off };

/// With Framing::Read a message is one read, and a read takes no more than this.
inline constexpr base::Bytes kReadMessageMax{64 << 10};

/// What a connection gets: a greeting, how its bytes become messages, and what replies to them.
/// `greeting`, `farewell` and `reply` are templates (protocol::Template).
struct ServiceOptions {
  std::string greeting = "测试成功!\n";
  Framing framing = Framing::Line;
  base::Bytes max_message{4096};
  OnOverlong on_overlong = OnOverlong::Resync;
  Utf8 utf8 = Utf8::Replace;
  std::uint64_t messages_per_session = 0;  // 0 = unlimited
  std::vector<std::string> quit_words;
  std::string farewell;
  std::string reply = "收到的信息:{message}\n";

  friend bool operator==(const ServiceOptions&, const ServiceOptions&) = default;
};

/// How long a session may wait for what; 0 turns a limit off.
struct TimeoutOptions {
  std::chrono::nanoseconds first_message = std::chrono::seconds{0};  // Greeting to first message.
  std::chrono::nanoseconds idle = std::chrono::minutes{15};          // No byte from the client.
  std::chrono::nanoseconds line = std::chrono::seconds{30};          // First byte to end of line.
  std::chrono::nanoseconds write = std::chrono::seconds{30};         // No byte of a reply accepted.
  std::chrono::nanoseconds tls_handshake = std::chrono::seconds{10};  // From accept to its end.
  std::chrono::nanoseconds max_lifetime = std::chrono::seconds{0};    // Jittered 10 % downwards.
  // No key: before net::KeepaliveOptions::idle, so that all its probes count, and not the first.
  std::chrono::nanoseconds probes = std::chrono::seconds{45};

  friend bool operator==(const TimeoutOptions&, const TimeoutOptions&) = default;
};

/// What TimeoutOptions become in an overload, where these are shorter; 0 leaves one as it is.
struct OverloadTimeouts {
  std::chrono::nanoseconds first_message = std::chrono::seconds{10};
  std::chrono::nanoseconds idle = std::chrono::minutes{5};
  std::chrono::nanoseconds line = std::chrono::seconds{10};
  std::chrono::nanoseconds write = std::chrono::seconds{10};

  friend bool operator==(const OverloadTimeouts&, const OverloadTimeouts&) = default;
};

/// The time-outs in force at `level`: who has said nothing has less time from Newcomers on, who is
/// silent or slow only when those have had theirs.
TimeoutOptions hurried_timeouts(admission::OverloadLevel level, const TimeoutOptions& timeouts,
                                const OverloadTimeouts& hurried) noexcept;
inline TimeoutOptions timeouts_at(admission::OverloadLevel level, const TimeoutOptions& timeouts,
                                  const OverloadTimeouts& hurried) noexcept {
  if (level == admission::OverloadLevel::None) [[likely]]
    return timeouts;
  return hurried_timeouts(level, timeouts, hurried);
}

/// What may wait for a slow reader, for each session and for all of them.
struct OutputOptions {
  base::Bytes soft{64 << 10};                                     // Above it we stop reading.
  std::chrono::nanoseconds soft_time = std::chrono::seconds{10};  // So long above soft: slow_soft.
  base::Bytes hard{256 << 10};                                    // Above it: slow_hard.
  base::Bytes budget{256 << 20};  // All sessions together; the largest is ended first.

  friend bool operator==(const OutputOptions&, const OutputOptions&) = default;
};

}  // namespace chatgate::session
