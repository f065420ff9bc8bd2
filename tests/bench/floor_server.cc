#include "floor_server.h"

#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>

namespace chatgate::bench {
namespace {

constexpr long kThreadsMax = 256;

int listen_on(std::uint16_t port) {
  const int listener =
      checked(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
  const int on = 1;
  for (const int option : {SO_REUSEADDR, SO_REUSEPORT}) {
    checked(::setsockopt(listener, SOL_SOCKET, option, &on, sizeof on), "setsockopt");
  }
  // Every accepted socket inherits it, which saves a call for each.
  checked(::setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "setsockopt");
  ::sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  checked(::bind(listener, reinterpret_cast<::sockaddr*>(&address), sizeof address), "bind");
  checked(::listen(listener, 4096), "listen");
  return listener;
}

std::uint16_t port_of(int socket) {
  ::sockaddr_in address{};
  ::socklen_t length = sizeof address;
  checked(::getsockname(socket, reinterpret_cast<::sockaddr*>(&address), &length), "getsockname");
  return ntohs(address.sin_port);
}

void raise_descriptor_limit() {
  ::rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

void serve_on_threads(long threads, void (*serve)(int)) {
  std::vector<int> listeners{listen_on(0)};
  const auto port = port_of(listeners[0]);
  while (static_cast<long>(listeners.size()) < threads) listeners.push_back(listen_on(port));
  fmt::print("{}\n", port);
  std::fflush(stdout);
  std::vector<std::thread> others;
  for (std::size_t i = 1; i < listeners.size(); ++i) others.emplace_back(serve, listeners[i]);
  serve(listeners[0]);
}

}  // namespace

int run_floor(int argc, char** argv, void (*serve)(int listener)) {
  char* end = nullptr;
  const long threads = argc > 1 ? std::strtol(argv[1], &end, 10) : 1;
  if (argc > 2 || threads < 1 || threads > kThreadsMax || (end != nullptr && *end != '\0')) {
    fmt::print(stderr, "usage: {} [THREADS], 1 to {}\n", argv[0], kThreadsMax);
    return 2;
  }
  raise_descriptor_limit();
  try {
    serve_on_threads(threads, serve);
    return 0;
  } catch (const std::system_error& error) {
    fmt::print(stderr, "{}: {}\n", argv[0], error.what());
    return 71;
  }
}

}  // namespace chatgate::bench
