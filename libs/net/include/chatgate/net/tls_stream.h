#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <chatgate/net/tls_context.h>

struct ssl_st;

namespace chatgate::net {

/// TLS over one non-blocking socket. No operation waits: it says what it waits for, and the caller
/// repeats it, with the same bytes, when the socket can give or take some.
///
/// Threads: one at a time. Ownership: the socket is the caller's, and outlives the stream.
/// Memory: buffers are held only while they hold something (SSL_MODE_RELEASE_BUFFERS).
class TlsStream {
 public:
  enum class Status : std::uint8_t {
    Done,
    WantsInput,   // Again when the socket is readable: a write may want it, too.
    WantsOutput,  // Again when the socket is writable.
    Ended,        // The peer has said that nothing follows (close_notify).
    Failed,       // Broken, or cut off without a close_notify: error() says which. For good.
  };
  struct Result {
    Status status;
    std::size_t size = 0;  // Bytes, if Done.
  };

  /// The server's side.
  TlsStream(const TlsContext& context, int socket);
  /// The client's side, which insists that the server is called `server_name`: a name or an
  /// address.
  TlsStream(const TlsContext& context, int socket, const std::string& server_name);

  /// To be Done before anything else. Never Ended: who leaves before that has Failed.
  Status handshake();

  /// Reads at most one record (RFC 8446, section 5.1): with 16 KiB of room nothing stays behind in
  /// the stream, where no poll would tell of it.
  Result read(std::span<char> into);

  /// Writes some of `bytes`, which are not empty.
  Result write(std::string_view bytes);

  /// Tells the peer that nothing follows. What the peer sends can still be read. Without effect
  /// before the handshake is Done, and after a failure.
  Status shut_down();

  bool is_shaken() const noexcept;

  /// Whether the peer has begun to speak TLS: not if it has said nothing, or something else.
  bool is_spoken() const noexcept;

  /// Whom the peer's certificate names (RFC 4514), at most 512 bytes of it; empty without
  /// one, and before the handshake is Done.
  std::string peer_subject() const;

  /// Why it Failed, in words for a person.
  const std::string& error() const noexcept { return error_; }

 private:
  struct Free {
    void operator()(ssl_st* stream) const noexcept;
  };

  TlsStream(const TlsContext& context, int socket, Free);
  Status after(int result);

  std::shared_ptr<ssl_ctx_st> context_;  // OpenSSL's own reference keeps no more than itself.
  std::unique_ptr<ssl_st, Free> stream_;
  std::string error_;
  bool is_foreign_ = false;  // What came is no TLS.
};

}  // namespace chatgate::net
