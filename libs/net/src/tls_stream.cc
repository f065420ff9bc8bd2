#include "openssl_error.h"
#include "socket_bio.h"

#include <cerrno>
#include <new>
#include <system_error>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <chatgate/net/tls_stream.h>

namespace chatgate::net {
namespace {

bool is_foreign(unsigned long error) {
  const int reason = ERR_GET_REASON(error);
  return ERR_GET_LIB(error) == ERR_LIB_SSL &&
         (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST);
}

}  // namespace

void TlsStream::Free::operator()(ssl_st* stream) const noexcept { ::SSL_free(stream); }

TlsStream::TlsStream(const TlsContext& context, int socket, Free /*unused*/)
    : context_{context.context_}, stream_{::SSL_new(context_.get())} {
  if (!stream_) throw std::bad_alloc{};
  auto* const bio = make_socket_bio(socket);
  ::SSL_set_bio(stream_.get(), bio, bio);
}

TlsStream::TlsStream(const TlsContext& context, int socket) : TlsStream{context, socket, Free{}} {
  ::SSL_set_accept_state(stream_.get());
}

TlsStream::TlsStream(const TlsContext& context, int socket, const std::string& server_name)
    : TlsStream{context, socket, Free{}} {
  ::SSL_set_connect_state(stream_.get());
  auto* const rules = ::SSL_get0_param(stream_.get());
  // An address is no name for SNI: RFC 6066, section 3.
  if (::X509_VERIFY_PARAM_set1_ip_asc(rules, server_name.c_str()) == 1) return;
  ::ERR_clear_error();
  SSL_set_tlsext_host_name(stream_.get(), server_name.c_str());
  ::SSL_set1_host(stream_.get(), server_name.c_str());
}

TlsStream::Status TlsStream::handshake() {
  ::ERR_clear_error();
  const auto status = after(::SSL_do_handshake(stream_.get()));
  if (status != Status::Ended) return status;
  error_ = "the peer left within the handshake";
  return Status::Failed;
}

TlsStream::Result TlsStream::read(std::span<char> into) {
  ::ERR_clear_error();
  std::size_t size = 0;
  const auto status = after(::SSL_read_ex(stream_.get(), into.data(), into.size(), &size));
  return {status, size};
}

TlsStream::Result TlsStream::write(std::string_view bytes) {
  ::ERR_clear_error();
  std::size_t size = 0;
  const auto status = after(::SSL_write_ex(stream_.get(), bytes.data(), bytes.size(), &size));
  return {status, size};
}

bool TlsStream::is_shaken() const noexcept { return ::SSL_is_init_finished(stream_.get()) == 1; }

bool TlsStream::is_spoken() const noexcept {
  return !is_foreign_ && ::BIO_number_read(::SSL_get_rbio(stream_.get())) > 0;
}

std::string TlsStream::peer_subject() const {
  const std::unique_ptr<::X509, decltype(&::X509_free)> certificate{
      ::SSL_get1_peer_certificate(stream_.get()), ::X509_free};
  const std::unique_ptr<::BIO, decltype(&::BIO_free)> text{::BIO_new(::BIO_s_mem()), ::BIO_free};
  if (!certificate || !text || !is_shaken()) return {};
  // As it is written, but for control characters: a name may be Chinese.
  constexpr unsigned long kFlags = XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB;
  ::X509_NAME_print_ex(text.get(), ::X509_get_subject_name(certificate.get()), 0, kFlags);
  constexpr std::size_t kSubjectBytesMax = 512;
  std::string subject(kSubjectBytesMax, '\0');
  const int size = ::BIO_read(text.get(), subject.data(), static_cast<int>(subject.size()));
  subject.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return subject;
}

TlsStream::Status TlsStream::shut_down() {
  if (!is_shaken() || !error_.empty()) return Status::Failed;
  ::ERR_clear_error();
  const int result = ::SSL_shutdown(stream_.get());
  return result >= 0 ? Status::Done : after(result);  // 0: sent, and the peer's has not come.
}

// What an operation's result means: SSL_get_error(3), which looks at errno and the error queue.
TlsStream::Status TlsStream::after(int result) {
  if (result > 0) return Status::Done;
  const int system_error = errno;
  switch (::SSL_get_error(stream_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return Status::WantsInput;
    case SSL_ERROR_WANT_WRITE:
      return Status::WantsOutput;
    case SSL_ERROR_ZERO_RETURN:
      return Status::Ended;
    case SSL_ERROR_SYSCALL:
      error_ = system_error != 0 ? std::generic_category().message(system_error)
                                 : "the connection ended within a record";
      break;
    default:
      is_foreign_ = is_foreign(::ERR_peek_error());
      error_ = is_foreign_ ? "the peer speaks no TLS"
                           : take_openssl_error("the peer broke the protocol");
      if (const auto verdict = ::SSL_get_verify_result(stream_.get()); verdict != X509_V_OK) {
        error_ += std::string{": "} + ::X509_verify_cert_error_string(verdict);
      }
  }
  ::ERR_clear_error();
  return Status::Failed;
}

}  // namespace chatgate::net
