#include "engine.h"

#include <cerrno>
#include <system_error>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace chatgate::bench {
namespace {

bool bind_source(int socket, std::uint32_t number) noexcept {
  const int on = 1;
  const auto address = source_address(number);
  // The port is chosen at connect(2), when only the pair of addresses must be new.
  return ::setsockopt(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) == 0 &&
         ::bind(socket, reinterpret_cast<const ::sockaddr*>(&address), sizeof address) == 0;
}

}  // namespace

::sockaddr_in source_address(std::uint32_t number) noexcept {
  ::sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + number);
  return address;
}

int make_client_socket(const Route& route, std::uint64_t opened) noexcept {
  const auto family = route.target.address.ss_family;
  const int socket = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket < 0) return -1;
  const int on = 1;
  const bool no_delay = route.no_delay && family != AF_UNIX;
  if ((no_delay && ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) ||
      (route.sources > 1 &&
       !bind_source(socket, static_cast<std::uint32_t>(opened % route.sources)))) {
    const int error = errno;
    ::close(socket);
    errno = error;
    return -1;
  }
  return socket;
}

#ifndef CHATGATE_HAS_IO_URING
std::unique_ptr<Engine> make_uring_engine(const Route&, std::size_t) {
  throw std::system_error{ENOSYS, std::generic_category(), "io_uring, in this build"};
}
#endif

// Containers forbid io_uring often, and old kernels lack what we ask of it.
std::unique_ptr<Engine> make_engine(EngineKind kind, const Route& route, std::size_t clients) {
  if (kind == EngineKind::Epoll) return make_epoll_engine(route, clients);
  try {
    return make_uring_engine(route, clients);
  } catch (const std::system_error&) {
    if (kind == EngineKind::IoUring) throw;
    return make_epoll_engine(route, clients);
  }
}

}  // namespace chatgate::bench
