#include "engine.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <system_error>

#include <sys/epoll.h>
#include <sys/socket.h>

#include <chatgate/base/assert.h>
#include <chatgate/net/unique_fd.h>

namespace chatgate::bench {
namespace {

struct Socket {
  net::UniqueFd fd;
  bool tell_connected = false;
  std::string unsent;  // What the socket did not take.
};

class EpollEngine final : public Engine {
 public:
  EpollEngine(const Route& route, std::size_t clients);

  EngineKind kind() const override { return EngineKind::Epoll; }
  int open(ClientId client, bool tell_connected) override;
  void send(ClientId client, std::string_view bytes) override;
  void close(ClientId client) override;
  void wait(std::chrono::nanoseconds timeout, unsigned wanted, EngineEvents& events) override;

 private:
  void serve(ClientId client, std::uint32_t ready, EngineEvents& events);
  void receive(ClientId client, bool ending, EngineEvents& events);
  void send_rest(Socket& socket);
  void fail(ClientId client, int error, EngineEvents& events);

  const Route route_;
  const net::UniqueFd set_;
  std::vector<Socket> sockets_;
  std::uint64_t opened_ = 0;
  std::array<char, 65536> input_;
};

EpollEngine::EpollEngine(const Route& route, std::size_t clients)
    : route_{route}, set_{::epoll_create1(EPOLL_CLOEXEC)}, sockets_(clients) {
  if (!set_) throw std::system_error{errno, std::generic_category(), "epoll_create1"};
}

int EpollEngine::open(ClientId client, bool tell_connected) {
  auto& socket = sockets_[client];
  CHATGATE_ASSERT(!socket.fd);
  net::UniqueFd fd{make_client_socket(route_, opened_++)};
  if (!fd) return errno;
  const auto& target = route_.target;
  if (::connect(fd.get(), target.get(), target.length) != 0 && errno != EINPROGRESS) return errno;
  // One registration for the connection's life: edges of writability come at its start, and when a
  // full socket takes bytes again.
  ::epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.u64 = client}};
  if (::epoll_ctl(set_.get(), EPOLL_CTL_ADD, fd.get(), &event) != 0) return errno;
  socket.fd = std::move(fd);
  socket.tell_connected = tell_connected;
  return 0;
}

// Errors surface as an event of the socket.
void EpollEngine::send(ClientId client, std::string_view bytes) {
  auto& socket = sockets_[client];
  if (socket.unsent.empty()) [[likely]] {
    const auto sent = ::send(socket.fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent == static_cast<ssize_t>(bytes.size())) [[likely]]
      return;
    if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  socket.unsent += bytes;
}

void EpollEngine::send_rest(Socket& socket) {
  const auto sent =
      ::send(socket.fd.get(), socket.unsent.data(), socket.unsent.size(), MSG_NOSIGNAL);
  if (sent > 0) socket.unsent.erase(0, static_cast<std::size_t>(sent));
}

void EpollEngine::close(ClientId client) {
  auto& socket = sockets_[client];
  socket.fd.reset();
  socket.unsent.clear();
}

void EpollEngine::wait(std::chrono::nanoseconds timeout, unsigned, EngineEvents& events) {
  std::array<::epoll_event, 256> ready;
  const auto seconds = std::chrono::floor<std::chrono::seconds>(timeout);
  const ::timespec most{.tv_sec = seconds.count(), .tv_nsec = (timeout - seconds).count()};
  const int count =
      ::epoll_pwait2(set_.get(), ready.data(), static_cast<int>(ready.size()), &most, nullptr);
  events.on_wake();
  for (int i = 0; i < count; ++i) {
    const auto& event = ready[static_cast<std::size_t>(i)];
    serve(static_cast<ClientId>(event.data.u64), event.events, events);
  }
}

void EpollEngine::serve(ClientId client, std::uint32_t ready, EngineEvents& events) {
  auto& socket = sockets_[client];
  if (!socket.fd) return;  // Closed earlier in this batch.
  if ((ready & EPOLLERR) != 0) {
    int error = 0;
    ::socklen_t length = sizeof error;
    if (::getsockopt(socket.fd.get(), SOL_SOCKET, SO_ERROR, &error, &length) != 0) error = errno;
    if (error != 0) return fail(client, error, events);
  }
  if ((ready & EPOLLOUT) != 0) {
    if (!socket.unsent.empty()) send_rest(socket);
    if (socket.tell_connected) {
      socket.tell_connected = false;
      events.on_connected(client);
    }
  }
  if ((ready & (EPOLLIN | EPOLLRDHUP | EPOLLHUP)) != 0) {
    receive(client, (ready & (EPOLLRDHUP | EPOLLHUP)) != 0, events);
  }
}

void EpollEngine::receive(ClientId client, bool ending, EngineEvents& events) {
  const auto& socket = sockets_[client];
  while (socket.fd) {
    const auto size = ::recv(socket.fd.get(), input_.data(), input_.size(), 0);
    if (size < 0 && errno == EAGAIN) return;
    if (size <= 0) return fail(client, size < 0 ? errno : 0, events);
    events.on_received(client, {input_.data(), static_cast<std::size_t>(size)});
    // A short read emptied the socket, and the next byte is a new edge; a FIN that is here is not.
    if (!ending && static_cast<std::size_t>(size) < input_.size()) return;
  }
}

void EpollEngine::fail(ClientId client, int error, EngineEvents& events) {
  close(client);
  events.on_closed(client, error);
}

}  // namespace

std::unique_ptr<Engine> make_epoll_engine(const Route& route, std::size_t clients) {
  return std::make_unique<EpollEngine>(route, clients);
}

}  // namespace chatgate::bench
