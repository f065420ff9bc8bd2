#pragma once

#include <string>
#include <string_view>

#include <chatgate/net/unique_fd.h>

namespace chatgate::net {

/// Two connected stream sockets: `ours`, non-blocking, for the code under test, and the blocking
/// `peer` that the test holds, each operation of which ends.
struct SocketPair {
  UniqueFd ours;
  UniqueFd peer;
};

/// Errors: std::system_error when the system refuses a socket.
SocketPair unix_pair();
SocketPair tcp_pair();  // Over 127.0.0.1, without Nagle's algorithm.

/// Sends all of `text`. Throws std::system_error when the other end is gone or does not read.
void send_all(const UniqueFd& socket, std::string_view text);

/// Receives `size` bytes, or those that came, followed by `<eof>`, `<timeout>` or `<reset>`.
std::string receive(const UniqueFd& socket, std::size_t size);

/// Ends the output of `socket` (FIN).
void shut_down(const UniqueFd& socket);

/// Closes `socket` so that the other end is reset, as clients that vanish do. TCP only.
void reset(UniqueFd& socket);

}  // namespace chatgate::net
