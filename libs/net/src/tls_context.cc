#include "openssl_error.h"
#include "socket_bio.h"
#include "tls_tickets.h"

#include <array>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <new>
#include <optional>
#include <system_error>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <chatgate/net/tls_context.h>

namespace chatgate::net {
namespace {

using base::Unexpected;
using Option = TlsError::Option;
using Context = std::shared_ptr<ssl_ctx_st>;
using Failure = std::optional<TlsError>;

constexpr char kTls12Ciphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr char kGroups[] = "X25519:P-256:P-384";

// Called for each record (SSL_CTX_set_msg_callback(3)); TLS 1.3 hides in it what it carries.
void note_record(int sent, int /*version*/, int content, const void* bytes, std::size_t size,
                 ::SSL* stream, void* /*argument*/) {
  const bool tells_type = content == SSL3_RT_HEADER || content == SSL3_RT_INNER_CONTENT_TYPE;
  if (sent != 0 || !tells_type || size == 0) return;
  const auto type = *static_cast<const unsigned char*>(bytes);
  if (type != SSL3_RT_APPLICATION_DATA) count_control_record(::SSL_get_rbio(stream));
}

Context make_context(const ::SSL_METHOD* method) {
  Context context{::SSL_CTX_new(method), ::SSL_CTX_free};
  if (!context) throw std::bad_alloc{};
  ::SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  ::SSL_CTX_set_options(context.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                           SSL_OP_CIPHER_SERVER_PREFERENCE |
                                           SSL_OP_PRIORITIZE_CHACHA);
  // Buffers only while they are used; and a write that is repeated may come from elsewhere.
  ::SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                        SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  ::SSL_CTX_set_msg_callback(context.get(), note_record);
  ::SSL_CTX_set_cipher_list(context.get(), kTls12Ciphers);
  ::SSL_CTX_set1_groups_list(context.get(), kGroups);
  return context;
}

// Never asks a person for a passphrase: there is none at a service.
int no_passphrase(char* /*buffer*/, int /*size*/, int /*writes*/, void* /*user*/) { return -1; }

TlsError cannot_use(Option option, const std::string& path) {
  // OpenSSL's own words for a file that is not there are hard to read.
  if (::access(path.c_str(), R_OK) != 0) {
    const auto reason = std::generic_category().message(errno);
    ::ERR_clear_error();
    return {option, fmt::format("cannot read {}: {}", path, reason)};
  }
  return {option, fmt::format("{}: {}", path, take_openssl_error("not a PEM file"))};
}

Failure load_identity(ssl_ctx_st* context, const std::string& certificate, const std::string& key,
                      Option certificate_option, Option key_option) {
  if (::SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) != 1) {
    return cannot_use(certificate_option, certificate);
  }
  if (::SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      ::SSL_CTX_check_private_key(context) != 1) {
    return cannot_use(key_option, key);
  }
  return {};
}

Failure ask_clients(ssl_ctx_st* context, const TlsServerOptions& options) {
  const auto& ca = options.client_ca;
  if (ca.empty()) return {};
  auto* const names = ::SSL_load_client_CA_file(ca.c_str());
  ::SSL_CTX_set_client_CA_list(context, names);
  if (names == nullptr || ::SSL_CTX_load_verify_file(context, ca.c_str()) != 1) {
    return cannot_use(Option::ClientCa, ca);
  }
  const bool required = options.client_certificate == ClientCertificate::Required;
  ::SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                       nullptr);
  return {};
}

std::string content_of(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

// A ticket is worth something only where this is the same as where it was given.
void bind_tickets(ssl_ctx_st* context, const TlsServerOptions& options) {
  const auto rules =
      fmt::format("{}\n{}\n{}", content_of(options.certificate), content_of(options.client_ca),
                  static_cast<int>(options.client_certificate));
  std::array<unsigned char, SSL_MAX_SID_CTX_LENGTH> digest{};
  static_assert(SSL_MAX_SID_CTX_LENGTH == 32);
  ::EVP_Digest(rules.data(), rules.size(), digest.data(), nullptr, ::EVP_sha256(), nullptr);
  ::SSL_CTX_set_session_id_context(context, digest.data(), digest.size());
}

base::Expected<Context, TlsError> make_server(const TlsServerOptions& options,
                                              const std::string& certificate,
                                              const std::string& key, Option certificate_option,
                                              Option key_option) {
  auto context = make_context(::TLS_server_method());
  if (options.min_version == TlsVersion::Tls13) {
    ::SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
  }
  // Many clients close without a close_notify: for a conversation of lines that is an end.
  ::SSL_CTX_set_options(context.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
  ::SSL_CTX_set_default_passwd_cb(context.get(), no_passphrase);
  if (auto failure =
          load_identity(context.get(), certificate, key, certificate_option, key_option)) {
    return Unexpected{*std::move(failure)};
  }
  if (auto failure = ask_clients(context.get(), options)) return Unexpected{*std::move(failure)};
  use_tickets(context.get());
  bind_tickets(context.get(), options);
  return context;
}

// What one listener can show: SNI chooses.
struct Identities {
  Context main;
  std::vector<Context> others;
};

bool has_name(ssl_ctx_st* context, const char* name) {
  auto* const certificate = ::SSL_CTX_get0_certificate(context);
  return certificate != nullptr && ::X509_check_host(certificate, name, 0, 0, nullptr) == 1;
}

int choose_identity(::SSL* stream, int* /*alert*/, void* argument) {
  const auto& identities = *static_cast<const Identities*>(argument);
  const char* const name = ::SSL_get_servername(stream, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr || has_name(identities.main.get(), name)) return SSL_TLSEXT_ERR_OK;
  for (const auto& other : identities.others) {
    if (!has_name(other.get(), name)) continue;
    ::SSL_set_SSL_CTX(stream, other.get());
    break;
  }
  return SSL_TLSEXT_ERR_OK;  // Who asks for nobody's name sees whom it has reached.
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
  ::ERR_clear_error();
  auto main =
      make_server(options, options.certificate, options.key, Option::Certificate, Option::Key);
  if (!main) return Unexpected{main.error()};
  const auto identities = std::make_shared<Identities>();
  identities->main = *std::move(main);
  for (const auto& path : options.sni) {
    auto other = make_server(options, path, path, Option::Sni, Option::Sni);
    if (!other) return Unexpected{other.error()};
    identities->others.push_back(*std::move(other));
  }
  auto* const context = identities->main.get();
  SSL_CTX_set_tlsext_servername_callback(context, choose_identity);
  SSL_CTX_set_tlsext_servername_arg(context, identities.get());
  return TlsContext{std::shared_ptr<ssl_ctx_st>{identities, context}};
}

base::Expected<TlsContext, std::string> TlsContext::for_client(const std::string& ca) {
  auto context = make_context(::TLS_client_method());
  ::ERR_clear_error();
  ::SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  if (ca.empty()) {
    ::SSL_CTX_set_default_verify_paths(context.get());
  } else if (::SSL_CTX_load_verify_file(context.get(), ca.c_str()) != 1) {
    return Unexpected{cannot_use(Option::ClientCa, ca).text};
  }
  return TlsContext{std::move(context)};
}

}  // namespace chatgate::net
