#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <chatgate/base/expected.h>
#include <chatgate/base/units.h>
#include <chatgate/net/resolve.h>
#include <chatgate/net/tls_stream.h>
#include <chatgate/net/unique_fd.h>

namespace chatgate::net {

/// A client's socket for who can wait, every operation of which ends at one deadline. For commands
/// that ask a server something; the gateway's own threads never wait like that.
///
/// Threads: any, one at a time. Errors: in words for a person.
class ClientSocket {
 public:
  explicit ClientSocket(base::Clock::time_point deadline) : deadline_{deadline} {}

  /// Connects to the first candidate that accepts. Returns the last one's error, or nothing.
  std::optional<std::string> connect(const std::vector<RemoteAddress>& candidates);

  /// Speaks TLS from here on, with a server that is called `name` (an address counts as one).
  /// Returns the error, or nothing.
  std::optional<std::string> start_tls(const TlsContext& context, const std::string& name);

  /// Sends all of `text`. Returns the error, or nothing.
  std::optional<std::string> send(std::string_view text);

  /// Appends what has come, waiting for at least one byte. Gives how many; 0 = the server ended.
  base::Expected<std::size_t, std::string> receive(std::string& input);

  /// Closes our side, and waits for the server's: closing with unread input would reset it.
  void finish();

 private:
  std::optional<std::string> connect_to(const RemoteAddress& candidate);
  bool wait_for(short events);
  bool wait_for(TlsStream::Status status);
  base::Expected<std::size_t, std::string> receive_tls(std::span<char> piece);
  std::optional<std::string> send_tls(std::string_view text);

  const base::Clock::time_point deadline_;
  UniqueFd socket_;
  std::optional<TlsStream> tls_;
};

}  // namespace chatgate::net
