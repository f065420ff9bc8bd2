#include "socket_bio.h"

#include <cerrno>
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

std::uintptr_t control_records(::BIO* bio) {
  return reinterpret_cast<std::uintptr_t>(::BIO_get_data(bio));
}

int receive_from_socket(::BIO* bio, char* bytes, int size) {
  if (control_records(bio) <= kControlRecordsMax) {
    static const auto receive = ::BIO_meth_get_read(::BIO_s_socket());
    return receive(bio, bytes, size);
  }
  BIO_clear_retry_flags(bio);
  errno = EPROTO;
  return -1;
}

using Method = std::unique_ptr<::BIO_METHOD, decltype(&::BIO_meth_free)>;

// BIO_s_socket(3) in all but how it reads and writes.
Method make_method() {
  const auto* const original = ::BIO_s_socket();
  Method method{::BIO_meth_new(BIO_TYPE_SOCKET, "socket without SIGPIPE"), ::BIO_meth_free};
  if (!method) throw std::bad_alloc{};
  ::BIO_meth_set_write(method.get(), send_to_socket);
  ::BIO_meth_set_read(method.get(), receive_from_socket);
  ::BIO_meth_set_puts(method.get(), ::BIO_meth_get_puts(original));
  ::BIO_meth_set_ctrl(method.get(), ::BIO_meth_get_ctrl(original));
  ::BIO_meth_set_create(method.get(), ::BIO_meth_get_create(original));
  ::BIO_meth_set_destroy(method.get(), ::BIO_meth_get_destroy(original));
  return method;
}

}  // namespace

void count_control_record(bio_st* bio) {
  // NOLINTNEXTLINE(performance-no-int-to-ptr): the one place that a BIO has for its owner.
  ::BIO_set_data(bio, reinterpret_cast<void*>(control_records(bio) + 1));
}

bio_st* make_socket_bio(int socket) {
  static const Method method = make_method();
  auto* const bio = ::BIO_new(method.get());
  if (bio == nullptr) throw std::bad_alloc{};
  BIO_set_fd(bio, socket, BIO_NOCLOSE);
  return bio;
}

}  // namespace chatgate::net
