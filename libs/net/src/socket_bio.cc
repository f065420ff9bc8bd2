#include "socket_bio.h"

#include <memory>
#include <new>

#include <openssl/bio.h>
#include <sys/socket.h>

namespace chatgate::net {
namespace {

int send_to_socket(::BIO* bio, const char* bytes, int size) {
  int socket = -1;
  BIO_get_fd(bio, &socket);
  BIO_clear_retry_flags(bio);
  const auto count = ::send(socket, bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  const int sent = static_cast<int>(count);
  if (sent < 0 && ::BIO_sock_should_retry(sent) != 0) BIO_set_retry_write(bio);
  return sent;
}

using Method = std::unique_ptr<::BIO_METHOD, decltype(&::BIO_meth_free)>;

// BIO_s_socket(3) in all but its write(2).
Method make_method() {
  const auto* const original = ::BIO_s_socket();
  Method method{::BIO_meth_new(BIO_TYPE_SOCKET, "socket without SIGPIPE"), ::BIO_meth_free};
  if (!method) throw std::bad_alloc{};
  ::BIO_meth_set_write(method.get(), send_to_socket);
  ::BIO_meth_set_read(method.get(), ::BIO_meth_get_read(original));
  ::BIO_meth_set_puts(method.get(), ::BIO_meth_get_puts(original));
  ::BIO_meth_set_ctrl(method.get(), ::BIO_meth_get_ctrl(original));
  ::BIO_meth_set_create(method.get(), ::BIO_meth_get_create(original));
  ::BIO_meth_set_destroy(method.get(), ::BIO_meth_get_destroy(original));
  return method;
}

}  // namespace

bio_st* make_socket_bio(int socket) {
  static const Method method = make_method();
  auto* const bio = ::BIO_new(method.get());
  if (bio == nullptr) throw std::bad_alloc{};
  BIO_set_fd(bio, socket, BIO_NOCLOSE);
  return bio;
}

}  // namespace chatgate::net
