#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

#include <chatgate/net/listen_options.h>
#include <chatgate/net/unique_fd.h>

namespace chatgate::net {

/// Listening sockets that the service manager passed to this process, by name: the LISTEN_FDS and
/// LISTEN_FDNAMES protocol of sd_listen_fds_with_names(3).
///
/// Threads: one thread. Lifetime: owns every passed descriptor, used or not; listeners borrow it,
///   so that a drained listener stays open for the successor.
class InheritedSockets {
 public:
  InheritedSockets() = default;

  /// Takes what was passed to this process; call once. The variables leave the environment.
  static InheritedSockets take_from_environment();

  /// The descriptors passed under `name`: a socket unit with several ListenStream= has several.
  std::vector<int> find(const std::string& name) const;
  std::vector<std::string> names() const;

 private:
  std::multimap<std::string, UniqueFd> sockets_;
};

/// One listening socket, non-blocking, with the options that accepted sockets inherit.
///
/// Lifetime: the destructor closes it (an inherited one is only let go) and removes the file of a
///   Unix socket if that still is ours.
class ListeningSocket {
 public:
  ListeningSocket() = default;
  ListeningSocket(ListeningSocket&& other) noexcept : ListeningSocket{} {
    *this = std::move(other);
  }
  ListeningSocket& operator=(ListeningSocket&& other) noexcept;
  ~ListeningSocket();

  int fd() const noexcept { return inherited_ >= 0 ? inherited_ : socket_.get(); }
  bool is_inherited() const noexcept { return inherited_ >= 0; }

  /// Where it listens, with the port that the kernel chose: `127.0.0.1:1935`, `unix:/path`.
  std::string address() const;

 private:
  friend class ListeningSocketFactory;

  UniqueFd socket_;
  int inherited_ = -1;
  struct File {
    std::string path;
    ::dev_t device = 0;
    ::ino_t inode = 0;
  } file_;  // Of a Unix socket.
};

/// Opens the sockets of one listener: for TCP one for each acceptor, sharing the port by
/// SO_REUSEPORT (socket(7)); for a Unix socket one, for an inherited name as many as were passed.
///
/// `[::]` is dual stack; on a machine without IPv6 it falls back to 0.0.0.0. A stale Unix socket
/// file is removed, a live one is "address in use"; the file's mode is 0660.
/// Errors: throws std::system_error with a text that names the address and what to do.
std::vector<ListeningSocket> open_listening_sockets(const Endpoint& endpoint, std::uint32_t backlog,
                                                    std::uint32_t acceptors,
                                                    const KeepaliveOptions& keepalive,
                                                    const InheritedSockets& inherited);

}  // namespace chatgate::net
