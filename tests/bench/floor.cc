// The yardstick: what greeting a client and replying to its lines costs when nothing else is done.
// No limit, no time-out, no log, no metric; a client that does not read its replies is dropped.
//
// Usage: floor [THREADS]. Prints the port that it listens on, and runs until it is killed.

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

constexpr std::string_view kGreeting = "测试成功!\n";
constexpr std::string_view kReply = "收到的信息:";

int checked(int result, const char* what) {
  if (result < 0) throw std::system_error{errno, std::generic_category(), what};
  return result;
}

struct Client {
  int socket;
  std::string tail;  // The beginning of a line whose end has not come yet.
};

/// One thread's listening socket, epoll set and scratch memory.
class Loop {
 public:
  explicit Loop(std::uint16_t port);
  std::uint16_t port() const;
  void run();

 private:
  void accept_all();
  /// Returns false when the client is gone. `ending`: its FIN waits behind what it sent.
  bool serve(Client& client, bool ending);
  void reply_to_lines(Client& client, std::string_view bytes);

  const int set_ = checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  const int listener_ =
      checked(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
  std::array<char, 16384> input_;
  std::string output_;
};

Loop::Loop(std::uint16_t port) {
  const int on = 1;
  for (const int option : {SO_REUSEADDR, SO_REUSEPORT}) {
    checked(::setsockopt(listener_, SOL_SOCKET, option, &on, sizeof on), "setsockopt");
  }
  // Every accepted socket inherits it, which saves a call for each.
  checked(::setsockopt(listener_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "setsockopt");
  ::sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  checked(::bind(listener_, reinterpret_cast<::sockaddr*>(&address), sizeof address), "bind");
  checked(::listen(listener_, 4096), "listen");
  ::epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
  checked(::epoll_ctl(set_, EPOLL_CTL_ADD, listener_, &event), "epoll_ctl");
}

std::uint16_t Loop::port() const {
  ::sockaddr_in address{};
  ::socklen_t length = sizeof address;
  checked(::getsockname(listener_, reinterpret_cast<::sockaddr*>(&address), &length),
          "getsockname");
  return ntohs(address.sin_port);
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
    output_.clear();
    reply_to_lines(client, {input_.data(), static_cast<std::size_t>(size)});
    const auto sent = ::send(client.socket, output_.data(), output_.size(), MSG_NOSIGNAL);
    if (sent != static_cast<ssize_t>(output_.size())) return false;
    // A short read emptied the socket, and the next byte is a new edge; a FIN that is here is not.
    if (!ending && static_cast<std::size_t>(size) < input_.size()) return true;
  }
}

void Loop::reply_to_lines(Client& client, std::string_view bytes) {
  while (true) {
    const auto end = bytes.find('\n');
    if (end == std::string_view::npos) break;
    output_ += kReply;
    output_ += client.tail;
    output_ += bytes.substr(0, end + 1);
    client.tail.clear();
    bytes.remove_prefix(end + 1);
  }
  client.tail += bytes;
}

}  // namespace

int main(int argc, char** argv) {
  ::rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  try {
    Loop first{0};
    const auto port = first.port();
    std::vector<std::thread> others;
    for (int i = 1; i < (argc > 1 ? std::atoi(argv[1]) : 1); ++i) {
      others.emplace_back([port] { Loop{port}.run(); });
    }
    fmt::print("{}\n", port);
    std::fflush(stdout);
    first.run();
  } catch (const std::system_error& error) {
    fmt::print(stderr, "floor: {}\n", error.what());
    return 71;
  }
}
