#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <chatgate/base/expected.h>

struct ssl_ctx_st;

namespace chatgate::net {

/// The oldest version that is spoken. Whatever it is, older than 1.2 never is: RFC 8996.
enum class TlsVersion : std::uint8_t { Tls12, Tls13 };

/// What becomes of clients without a certificate, where they are asked for one. Who shows a wrong
/// one is never served.
enum class ClientCertificate : std::uint8_t { Required, Optional };

/// Names of PEM files, and what is asked of clients.
struct TlsServerOptions {
  std::string certificate;  // The server's own certificate first, then what signed it.
  std::string key;          // Without a passphrase.
  // Each a certificate, what signed it, and its key in one file: for clients who ask by SNI
  // (RFC 6066, section 3) for a name that it has.
  std::vector<std::string> sni;
  std::string client_ca;  // Whose certificates of clients are trusted; empty = none are asked for.
  ClientCertificate client_certificate = ClientCertificate::Required;
  TlsVersion min_version = TlsVersion::Tls12;

  bool is_on() const noexcept { return !certificate.empty(); }

  friend bool operator==(const TlsServerOptions&, const TlsServerOptions&) = default;
};

/// Which option was at fault, and why, in words for a person.
struct TlsError {
  enum class Option : std::uint8_t { Certificate, Key, Sni, ClientCa } option;
  std::string text;
};

/// Certificates and rules of TLS, immutable and shared by the streams that were made from them: a
/// reload makes another one, and streams that have begun go on with theirs.
///
/// Threads: any. A copy is another reference to the same.
class TlsContext {
 public:
  /// Reads the files. Compression, renegotiation and versions before 1.2 are off; TLS 1.2 speaks
  /// only ephemeral key exchange with AEAD ciphers (RFC 9325, section 4.2). Sessions are resumed by
  /// tickets, whose keys change every hour, are those of all contexts of the process, and are
  /// worth nothing once the certificate or the clients' rules have changed.
  static base::Expected<TlsContext, TlsError> for_server(const TlsServerOptions& options);

  /// Trusts the servers whose certificates are signed by who is in the PEM file `ca`, or by whom
  /// the machine trusts if it is empty. Errors: in words for a person.
  static base::Expected<TlsContext, std::string> for_client(const std::string& ca);

 private:
  friend class TlsStream;
  explicit TlsContext(std::shared_ptr<ssl_ctx_st> context) noexcept
      : context_{std::move(context)} {}

  std::shared_ptr<ssl_ctx_st> context_;
};

}  // namespace chatgate::net
