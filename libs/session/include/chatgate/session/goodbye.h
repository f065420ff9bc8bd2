#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include <chatgate/net/connection.h>
#include <chatgate/net/task.h>

namespace chatgate::session {

/// How a goodbye ended. The connection is to be destroyed in any case.
enum class Goodbye : std::uint8_t {
  Said,      // The client got everything, or had every chance to.
  Unheard,   // It did not take what was queued in time.
  PeerGone,  // The connection broke before it took all.
  Told,      // Connection::tell() cut it short.
};

/// How long a goodbye may take; 0 skips the part.
struct GoodbyeLimits {
  std::chrono::seconds flush{10};  // For the client to take its replies.
  std::chrono::seconds linger{2};  // In which we read on after our FIN.
};

/// So many bytes we read on at most.
inline constexpr std::size_t kLingerBytesMax = 64 * 1024;

/// Ends a conversation so that its last line arrives: flushes what is queued, sends FIN, then reads
/// and discards until the client ends too. A close with unread input would make the kernel send RST
/// (RFC 1122, 4.2.2.13), and that can take the last line away from the client.
///
/// Without a flush what is queued is dropped; without a linger, right after the client's EOF,
/// nothing can be left to discard.
/// Threads: the connection's loop. Lifetime: the connection outlives the task.
net::Task<Goodbye> say_goodbye(net::Connection& connection, net::EventLoop& loop,
                               GoodbyeLimits limits);

}  // namespace chatgate::session
