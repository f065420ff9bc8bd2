// The yardstick: what greeting a client and replying to its lines costs when nothing else is done,
// on a bare epoll loop. No limit, no time-out, no log, no metric; a client that does not read its
// replies is dropped.

#include "floor_server.h"

#include <array>
#include <string>
#include <string_view>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace chatgate::bench {
namespace {

struct Client {
  int socket;
  std::string tail;  // The beginning of a line whose end has not come yet.
};

/// One thread's listening socket, epoll set and scratch memory.
class Loop {
 public:
  explicit Loop(int listener);
  [[noreturn]] void run();

 private:
  void accept_all();
  /// Returns false when the client is gone. `ending`: its FIN waits behind what it sent.
  bool serve(Client& client, bool ending);

  const int listener_;
  const int set_ = checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  std::array<char, 16384> input_;
  std::array<char, replies_max(sizeof input_)> output_;
};

Loop::Loop(int listener) : listener_{listener} {
  ::epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
  checked(::epoll_ctl(set_, EPOLL_CTL_ADD, listener_, &event), "epoll_ctl");
}

void Loop::run() {
  std::array<::epoll_event, 256> events;
  while (true) {
    const int count = ::epoll_wait(set_, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      const auto& event = events[static_cast<std::size_t>(i)];
      auto* client = static_cast<Client*>(event.data.ptr);
      if (client == nullptr) {
        accept_all();
      } else if (!serve(*client, (event.events & EPOLLRDHUP) != 0)) {
        ::close(client->socket);
        delete client;
      }
    }
  }
}

void Loop::accept_all() {
  while (true) {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket < 0) return;
    ::send(socket, kGreeting.data(), kGreeting.size(), MSG_NOSIGNAL);
    auto* client = new Client{socket, {}};
    ::epoll_event event{.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data = {.ptr = client}};
    checked(::epoll_ctl(set_, EPOLL_CTL_ADD, socket, &event), "epoll_ctl");
  }
}

bool Loop::serve(Client& client, bool ending) {
  while (true) {
    const auto size = ::recv(client.socket, input_.data(), input_.size(), 0);
    if (size <= 0) return size < 0 && errno == EAGAIN;
    const std::string_view bytes{input_.data(), static_cast<std::size_t>(size)};
    const auto* end = reply_to_lines(client.tail, bytes, output_.data());
    if (client.tail.size() > kTailMax) return false;
    if (const auto length = end - output_.data(); length > 0) {
      const auto sent =
          ::send(client.socket, output_.data(), static_cast<std::size_t>(length), MSG_NOSIGNAL);
      if (sent != length) return false;
    }
    // A short read emptied the socket: the next byte is a new edge, and a FIN that is here is next.
    if (bytes.size() < input_.size()) return !ending;
  }
}

}  // namespace
}  // namespace chatgate::bench

int main(int argc, char** argv) {
  using namespace chatgate::bench;
  return run_floor(argc, argv, [](int listener) { Loop{listener}.run(); });
}
