#include "socket_pair.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <chatgate/support/eventually.h>

namespace chatgate::net {
namespace {

[[noreturn]] void fail(const char* what) {
  throw std::system_error{errno, std::generic_category(), what};
}

SocketPair made(UniqueFd ours, UniqueFd peer) {
  const ::timeval patience{.tv_sec = support::kPatience.count(), .tv_usec = 0};
  ::setsockopt(peer.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(peer.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (::fcntl(ours.get(), F_SETFL, O_NONBLOCK) != 0) fail("fcntl");
  return {std::move(ours), std::move(peer)};
}

}  // namespace

SocketPair unix_pair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) fail("socketpair");
  return made(UniqueFd{ends[0]}, UniqueFd{ends[1]});
}

SocketPair tcp_pair() {
  const UniqueFd listener{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  ::sockaddr_in address{};
  ::socklen_t size = sizeof address;
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const generic = reinterpret_cast<::sockaddr*>(&address);
  if (::bind(listener.get(), generic, size) != 0) fail("bind");
  if (::listen(listener.get(), 1) != 0) fail("listen");
  if (::getsockname(listener.get(), generic, &size) != 0) fail("getsockname");

  UniqueFd peer{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (::connect(peer.get(), generic, size) != 0) fail("connect");
  UniqueFd ours{::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC)};
  if (!ours) fail("accept4");
  for (const auto* socket : {&ours, &peer}) {
    const int on = 1;
    ::setsockopt(socket->get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  return made(std::move(ours), std::move(peer));
}

void send_all(const UniqueFd& socket, std::string_view text) {
  while (!text.empty()) {
    const auto count = ::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL);
    if (count < 0) fail("send");
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

std::string receive(const UniqueFd& socket, std::size_t size) {
  std::string text;
  while (text.size() < size) {
    std::array<char, 16 * 1024> buffer;
    const auto most = std::min(buffer.size(), size - text.size());
    const auto count = ::recv(socket.get(), buffer.data(), most, 0);
    if (count == 0) return text + "<eof>";
    if (count < 0) return text + (errno == EAGAIN ? "<timeout>" : "<reset>");
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return text;
}

void shut_down(const UniqueFd& socket) { ::shutdown(socket.get(), SHUT_WR); }

void reset(UniqueFd& socket) {
  const ::linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  socket.reset();
}

}  // namespace chatgate::net
