#include "line_server.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>
#include <vector>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace chatgate::bench {
namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

LineServer::LineServer(Behaviour behaviour) : behaviour_{std::move(behaviour)} {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ::sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  require(::bind(listener_, reinterpret_cast<::sockaddr*>(&address), sizeof address) == 0);
  require(::listen(listener_, 128) == 0 && ::pipe(stop_) == 0);
  thread_ = std::thread{[this] { serve(); }};
}

LineServer::~LineServer() {
  ::close(stop_[1]);
  thread_.join();
  ::close(stop_[0]);
  ::close(listener_);
}

std::string LineServer::address() const {
  ::sockaddr_in address{};
  ::socklen_t length = sizeof address;
  require(::getsockname(listener_, reinterpret_cast<::sockaddr*>(&address), &length) == 0);
  return "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
}

void LineServer::serve() {
  std::vector<::pollfd> polled{{stop_[0], POLLIN, 0}, {listener_, POLLIN, 0}};
  std::vector<int> lines(2);
  while (::poll(polled.data(), polled.size(), -1) > 0 && polled[0].revents == 0) {
    if (polled[1].revents != 0) {
      polled.push_back({::accept(listener_, nullptr, nullptr), POLLIN, 0});
      lines.push_back(0);
      const auto& greeting = behaviour_.greeting;
      if (!behaviour_.mute)
        ::send(polled.back().fd, greeting.data(), greeting.size(), MSG_NOSIGNAL);
    }
    for (std::size_t i = 2; i < polled.size(); ++i) {
      if (polled[i].revents == 0) continue;
      std::array<char, 4096> input;
      const auto size = ::recv(polled[i].fd, input.data(), input.size(), MSG_DONTWAIT);
      std::string output;
      const auto said = size > 0 ? std::count(input.data(), input.data() + size, '\n') : 0;
      for (int line = 0; line < said && !behaviour_.mute; ++line) output += behaviour_.reply;
      ::send(polled[i].fd, output.data(), output.size(), MSG_NOSIGNAL);
      lines[i] += static_cast<int>(said);
      if (size == 0 || (behaviour_.end_after > 0 && lines[i] >= behaviour_.end_after)) {
        ::close(polled[i].fd);
        polled[i].fd = -1;  // poll(2) passes over it.
        polled[i].revents = 0;
      }
    }
  }
  for (std::size_t i = 2; i < polled.size(); ++i) {
    if (polled[i].fd >= 0) ::close(polled[i].fd);
  }
}

}  // namespace chatgate::bench
