#pragma once

#include <optional>
#include <span>
#include <string_view>

#include <chatgate/net/tls_stream.h>
#include <chatgate/net/unique_fd.h>

namespace chatgate::admin {

/// One end of what a relay passes on: a non-blocking socket, with TLS or without. Its results are
/// those of net::TlsStream.
///
/// Threads: one at a time. Ownership: of the socket.
class RelayEnd {
 public:
  using Status = net::TlsStream::Status;
  using Result = net::TlsStream::Result;

  explicit RelayEnd(net::UniqueFd socket, const std::optional<net::TlsContext>& tls = {});

  int fd() const noexcept { return socket_.get(); }

  /// Done at once without TLS. A client who speaks HTTP where TLS is due is told so in HTTP.
  Status handshake();
  Result read(std::span<char> into);
  Result write(std::string_view bytes);
  /// Tells the other side that nothing follows.
  Status finish_output();

 private:
  Status expect_tls();

  net::UniqueFd socket_;
  std::optional<net::TlsStream> tls_;
  bool is_tls_seen_ = false;  // The first byte is one of TLS.
};

/// What poll(2) has to wait for before an operation that gave `status` is worth repeating.
short poll_events(RelayEnd::Status status) noexcept;

}  // namespace chatgate::admin
