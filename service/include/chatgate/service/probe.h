#pragma once

#include <chrono>
#include <iosfwd>
#include <optional>
#include <string>

namespace chatgate::service {

/// What `chatgate probe` asks of a running gateway.
struct ProbeOptions {
  std::string address;                // HOST:PORT, [V6]:PORT or unix:/path; HOST may be a name.
  std::optional<std::string> send;    // Said as a line after the greeting.
  std::optional<std::string> expect;  // A part of the reply, or of the greeting without `send`.
  bool tls = false;                   // The listener speaks it.
  std::string ca;  // With it: who signed its certificate; empty = whom the machine trusts.
  std::chrono::nanoseconds timeout = std::chrono::seconds{2};  // For all steps together.
};

/// How far a probe came, and how long each step took. A step that was not reached took 0.
struct ProbeResult {
  bool ok = false;
  std::string error;                   // Why not, in words for a person; may quote the server.
  std::chrono::nanoseconds connect{};  // From the first connect(2) to a connection, by TLS or not.
  std::chrono::nanoseconds greeting{};
  std::chrono::nanoseconds reply{};  // From the last byte sent to the end of the reply.
  std::string greeting_text;         // As received, without the end of line.
  std::string reply_text;
};

/// Talks to a gateway as a client does: connects, reads the line that greets, says a line and reads
/// the line that replies, then closes its side first and takes what is still coming.
///
/// Threads: any; blocks the caller until it is done, at most `timeout`, and for as long as the
///   resolver takes when HOST is a name (getaddrinfo(3) knows no deadline).
/// Errors: in the result. A refusal (`421 ...`) is one, whatever `expect` says.
ProbeResult probe(const ProbeOptions& options);

/// Runs probe() for a person or a health check: prints the times to `out`, or the error to `err`.
/// What the server said is printed escaped. Returns the exit code: 0 healthy, 1 not.
int run_probe(const ProbeOptions& options, std::ostream& out, std::ostream& err);

}  // namespace chatgate::service
