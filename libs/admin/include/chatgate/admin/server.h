#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

#include <chatgate/admin/backend.h>
#include <chatgate/admin/options.h>
#include <chatgate/base/expected.h>

namespace chatgate::admin {

/// A file that the options name is of no use; the text names it and says why.
class UnusableFile : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The HTTP endpoint: metrics, probes, lists of connections and controls, on four threads of its
/// own. One request a connection; a request of more than 8 KiB of header or 1 KiB of body is
/// refused, one that is not complete after 5 s ends. No request reaches a worker but through
/// `backend`.
///
/// Controls (POST) need `Authorization: Bearer TOKEN` with the content of `token_file`; without a
/// token file they work on a loopback address and on a Unix socket alone. With TokenFor::Everything
/// the rest needs it as well, but for /livez, /readyz and the page before it has data. What a web
/// page could forge or read is refused, metrics and probes aside: a foreign Origin, and on a
/// loopback address a Host that is not local.
///
/// Threads: all but the constructor and the destructor may be called from any thread. The
/// endpoint's threads inherit
///   the signal mask of the one that constructs it: block there what others wait for.
/// Lifetime: `backend` outlives this object. The destructor stops listening, lets running requests
///   end and joins the threads: milliseconds, at most 2 s when a client dawdles.
class Server {
 public:
  /// Listens at `options.address`; port 0 lets the kernel choose. A Unix socket's file has the mode
  /// 0660: who can write to it has control.
  /// Errors: throws std::system_error when the address cannot be had, std::runtime_error when it is
  /// none, UnusableFile when the token, the certificate or its key is of no use. The text names the
  /// key and what is wrong.
  Server(const AdminOptions& options, Backend& backend);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Of a TCP address; else 0.
  std::uint16_t port() const noexcept;
  /// Where it listens, with the port that the kernel chose: `127.0.0.1:9464`, `unix:/path`.
  const std::string& address() const noexcept;

  /// What is unsafe about the token file that was read at the start; empty when nothing is.
  const std::string& token_warning() const noexcept;

  /// Reads the token again, from `options.token_file`, which may be another one or empty now, and
  /// needs it for `options.token_for`. Reads the certificate and its key again if `options.tls` is
  /// what it was at the start; who is connected keeps the old one. Gives a warning or an empty
  /// text; after an error everything stays as it was.
  base::Expected<std::string, std::string> reload_access(const AdminOptions& options);

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace chatgate::admin
