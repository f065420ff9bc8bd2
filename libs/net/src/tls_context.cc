#include "openssl_error.h"

#include <array>
#include <cerrno>
#include <system_error>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <unistd.h>

#include <chatgate/net/tls_context.h>

namespace chatgate::net {
namespace {

using base::Unexpected;
using Option = TlsError::Option;

constexpr char kTls12Ciphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr char kGroups[] = "X25519:P-256:P-384";

std::shared_ptr<ssl_ctx_st> make_context(const ::SSL_METHOD* method) {
  std::shared_ptr<ssl_ctx_st> context{::SSL_CTX_new(method), ::SSL_CTX_free};
  if (!context) throw std::bad_alloc{};
  ::SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  ::SSL_CTX_set_options(context.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                           SSL_OP_CIPHER_SERVER_PREFERENCE |
                                           SSL_OP_PRIORITIZE_CHACHA);
  // Buffers only while they are used; and a write that is repeated may come from elsewhere.
  ::SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                        SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  ::SSL_CTX_set_cipher_list(context.get(), kTls12Ciphers);
  ::SSL_CTX_set1_groups_list(context.get(), kGroups);
  return context;
}

// Never asks a person for a passphrase: there is none at a service.
int no_passphrase(char* /*buffer*/, int /*size*/, int /*writes*/, void* /*user*/) { return -1; }

Unexpected<TlsError> cannot_use(Option option, const std::string& path) {
  // OpenSSL's own words for a file that is not there are hard to read.
  if (::access(path.c_str(), R_OK) != 0) {
    const auto reason = std::generic_category().message(errno);
    ::ERR_clear_error();
    return {{option, fmt::format("cannot read {}: {}", path, reason)}};
  }
  return {{option, fmt::format("{}: {}", path, take_openssl_error("not a PEM file"))}};
}

}  // namespace

std::string take_openssl_error(std::string otherwise) {
  const auto code = ::ERR_get_error();
  ::ERR_clear_error();
  if (code == 0) return otherwise;
  if (ERR_SYSTEM_ERROR(code)) return std::generic_category().message(ERR_GET_REASON(code));
  if (const char* reason = ::ERR_reason_error_string(code)) return reason;
  std::array<char, 256> text;
  ::ERR_error_string_n(code, text.data(), text.size());
  return text.data();
}

base::Expected<TlsContext, TlsError> TlsContext::for_server(const TlsServerOptions& options) {
  auto context = make_context(::TLS_server_method());
  ::ERR_clear_error();
  if (options.min_version == TlsVersion::Tls13) {
    ::SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
  }
  ::SSL_CTX_set_default_passwd_cb(context.get(), no_passphrase);
  if (::SSL_CTX_use_certificate_chain_file(context.get(), options.certificate.c_str()) != 1) {
    return cannot_use(Option::Certificate, options.certificate);
  }
  if (::SSL_CTX_use_PrivateKey_file(context.get(), options.key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      ::SSL_CTX_check_private_key(context.get()) != 1) {
    return cannot_use(Option::Key, options.key);
  }
  if (options.client_certificate != ClientCertificate::None) {
    const auto& ca = options.client_ca;
    auto* const names = ::SSL_load_client_CA_file(ca.c_str());
    if (names == nullptr || ::SSL_CTX_load_verify_file(context.get(), ca.c_str()) != 1) {
      return cannot_use(Option::ClientCa, ca);
    }
    ::SSL_CTX_set_client_CA_list(context.get(), names);
    const bool required = options.client_certificate == ClientCertificate::Required;
    ::SSL_CTX_set_verify(
        context.get(), SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), nullptr);
  }
  // Needed for client certificates to survive a resumption: SSL_CTX_set_session_id_context(3).
  constexpr std::array<unsigned char, 8> kIdContext{'c', 'h', 'a', 't', 'g', 'a', 't', 'e'};
  ::SSL_CTX_set_session_id_context(context.get(), kIdContext.data(), kIdContext.size());
  ::SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);  // Tickets alone.
  return TlsContext{std::move(context)};
}

base::Expected<TlsContext, std::string> TlsContext::for_client(const std::string& ca) {
  auto context = make_context(::TLS_client_method());
  ::ERR_clear_error();
  ::SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  if (ca.empty()) {
    ::SSL_CTX_set_default_verify_paths(context.get());
  } else if (::SSL_CTX_load_verify_file(context.get(), ca.c_str()) != 1) {
    return Unexpected{cannot_use(Option::ClientCa, ca).error.text};
  }
  return TlsContext{std::move(context)};
}

}  // namespace chatgate::net
