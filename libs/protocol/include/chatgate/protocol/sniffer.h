#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace chatgate::protocol {

/// A protocol that a client took this port for.
enum class WrongProtocol : std::uint8_t {
  Tls,    // A ClientHello record.
  Http,   // A request line.
  Ssh,    // An identification string.
  Proxy,  // A PROXY protocol header, version 1 or 2.
};

/// Tells from the first 16 bytes of a connection that the client speaks another protocol.
///
/// Nothing waits for it: the verdict comes with the read that holds the byte that decides, and
/// bytes before that are the session's to answer. Sure rather than complete: a person who types
/// `GET out of here` speaks no HTTP.
///
/// Threads: confined to its session.
/// Cost: feed() only until done(), mostly once a session.
class Sniffer {
 public:
  using Verdict = std::optional<WrongProtocol>;

  static constexpr std::size_t kBytesMax = 16;

  /// Takes the next bytes of the connection and says what they show. Requires !done().
  Verdict feed(std::string_view bytes);

  /// A verdict was given, or can no longer come.
  bool done() const { return done_; }

 private:
  std::array<char, kBytesMax> seen_{};
  std::uint8_t size_ = 0;
  bool done_ = false;
};
static_assert(sizeof(Sniffer) <= 20, "every idle session holds one");

/// The answer to a TLS client: a fatal handshake_failure alert (RFC 8446, section 6).
inline constexpr std::string_view kTlsAlert{"\x15\x03\x03\x00\x02\x02\x28", 7};

/// The answer to an HTTP client, which shows the hint to the person behind it.
inline constexpr std::string_view kHttpAnswer =
    "HTTP/1.1 400 Bad Request\r\n"
    "Connection: close\r\n"
    "Content-Type: text/plain\r\n"
    "Content-Length: 60\r\n"
    "\r\n"
    "This port speaks lines of text, not HTTP: use nc or telnet.\n";

}  // namespace chatgate::protocol
