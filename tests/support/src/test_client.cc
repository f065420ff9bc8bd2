#include "chatgate/support/test_client.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

namespace chatgate::support {
namespace {

struct SocketAddress {
  ::sockaddr_storage storage{};
  ::socklen_t length = 0;

  const ::sockaddr* get() const { return reinterpret_cast<const ::sockaddr*>(&storage); }
};

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error{
      fmt::format("TestClient: {}: {}", what, std::generic_category().message(errno))};
}

SocketAddress tcp_address(const std::string& host, std::uint16_t port) {
  SocketAddress address;
  ::sockaddr_in v4{};
  ::sockaddr_in6 v6{};
  if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&address.storage, &v4, sizeof v4);
    address.length = sizeof v4;
  } else if (::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&address.storage, &v6, sizeof v6);
    address.length = sizeof v6;
  } else {
    throw std::runtime_error{fmt::format("TestClient: '{}' is not an address", host)};
  }
  return address;
}

SocketAddress unix_address(const std::string& path) {
  ::sockaddr_un un{};
  if (path.size() >= sizeof un.sun_path) {
    throw std::runtime_error{fmt::format("TestClient: '{}' is too long", path)};
  }
  un.sun_family = AF_UNIX;
  path.copy(un.sun_path, path.size());
  SocketAddress address;
  std::memcpy(&address.storage, &un, sizeof un);
  address.length = sizeof un;
  return address;
}

template <class Value>
void set_option(int descriptor, int level, int name, const Value& value) {
  if (::setsockopt(descriptor, level, name, &value, sizeof value) != 0) fail("setsockopt");
}

::timeval to_timeval(std::chrono::milliseconds duration) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(duration);
  const std::chrono::microseconds rest = duration - seconds;
  return {.tv_sec = seconds.count(), .tv_usec = rest.count()};
}

void prepare(int descriptor, const SocketAddress& target, const ConnectOptions& options) {
  set_option(descriptor, SOL_SOCKET, SO_RCVTIMEO, to_timeval(options.patience));
  // On Linux it bounds connect(2) too (socket(7)).
  set_option(descriptor, SOL_SOCKET, SO_SNDTIMEO, to_timeval(options.patience));
  if (options.receive_bytes) set_option(descriptor, SOL_SOCKET, SO_RCVBUF, *options.receive_bytes);
  if (target.storage.ss_family != AF_UNIX) set_option(descriptor, IPPROTO_TCP, TCP_NODELAY, 1);
  if (options.source.empty()) return;
  const auto source = tcp_address(options.source, 0);
  // The port is chosen at connect(2) then, per pair of addresses, so that thousands find one.
  set_option(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
  if (::bind(descriptor, source.get(), source.length) != 0) fail("bind to " + options.source);
}

int connect_socket(const SocketAddress& target, const ConnectOptions& options,
                   const std::string& name) {
  const int descriptor = ::socket(target.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) fail("socket");
  try {
    prepare(descriptor, target, options);
    if (::connect(descriptor, target.get(), target.length) != 0) fail("connect to " + name);
  } catch (...) {
    ::close(descriptor);
    throw;
  }
  return descriptor;
}

}  // namespace

TestClient::TestClient(const std::string& host, std::uint16_t port, const ConnectOptions& options)
    : TestClient{connect_socket(tcp_address(host, port), options, fmt::format("{}:{}", host, port)),
                 options.patience} {}

TestClient TestClient::to_unix(const std::string& unix_path, const ConnectOptions& options) {
  return {connect_socket(unix_address(unix_path), options, unix_path), options.patience};
}

TestClient::TestClient(TestClient&& other) noexcept
    : patience_{other.patience_},
      descriptor_{std::exchange(other.descriptor_, -1)},
      input_{std::move(other.input_)} {}

TestClient& TestClient::operator=(TestClient&& other) noexcept {
  std::swap(patience_, other.patience_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(input_, other.input_);
  return *this;
}

TestClient::~TestClient() { close(); }

bool TestClient::send(std::string_view text) {
  while (!text.empty()) {
    const auto sent = ::send(descriptor_, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::size_t TestClient::send_some(std::string_view text) {
  const auto sent = ::send(descriptor_, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return sent < 0 ? 0 : static_cast<std::size_t>(sent);
}

std::optional<std::string> TestClient::receive_more() {
  std::array<char, 16384> piece;
  while (true) {
    const auto size = ::recv(descriptor_, piece.data(), piece.size(), 0);
    if (size > 0) {
      input_.append(piece.data(), static_cast<std::size_t>(size));
      return std::nullopt;
    }
    if (size == 0) return kEof;
    if (errno == EAGAIN) return kTimeout;
    if (errno != EINTR) return kReset;
  }
}

std::string TestClient::take(std::size_t size) {
  auto text = input_.substr(0, size);
  input_.erase(0, size);
  return text;
}

std::string TestClient::receive_line() {
  std::size_t end = 0;
  while ((end = input_.find('\n')) == std::string::npos) {
    if (const auto ended = receive_more()) return input_.empty() ? *ended : take(input_.size());
  }
  auto line = take(end + 1);
  line.pop_back();
  return line;
}

std::string TestClient::receive_until_eof() {
  while (true) {
    if (const auto ended = receive_more()) {
      auto text = take(input_.size());
      return *ended == kEof ? text : text + *ended;
    }
  }
}

std::string TestClient::receive_exactly(std::size_t size) {
  while (input_.size() < size) {
    if (const auto ended = receive_more()) return take(input_.size()) + *ended;
  }
  return take(size);
}

void TestClient::shutdown_write() { ::shutdown(descriptor_, SHUT_WR); }

void TestClient::reset() {
  set_option(descriptor_, SOL_SOCKET, SO_LINGER, ::linger{.l_onoff = 1, .l_linger = 0});
  close();
}

void TestClient::close() {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

std::string TestClient::local_address() const {
  ::sockaddr_storage storage{};
  ::socklen_t length = sizeof storage;
  if (::getsockname(descriptor_, reinterpret_cast<::sockaddr*>(&storage), &length) != 0) {
    fail("getsockname");
  }
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (storage.ss_family == AF_INET) {
    ::sockaddr_in v4{};
    std::memcpy(&v4, &storage, sizeof v4);
    ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
    return fmt::format("{}:{}", text.data(), ntohs(v4.sin_port));
  }
  if (storage.ss_family != AF_INET6) return "unix";
  ::sockaddr_in6 v6{};
  std::memcpy(&v6, &storage, sizeof v6);
  ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
  return fmt::format("[{}]:{}", text.data(), ntohs(v6.sin6_port));
}

}  // namespace chatgate::support
