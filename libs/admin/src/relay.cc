#include "relay.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>

#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <chatgate/base/units.h>

namespace chatgate::admin {
namespace {

using base::Clock;
using namespace std::chrono_literals;

constexpr std::size_t kPairsMax = 64;
constexpr std::size_t kBufferBytes = 16 * 1024;
constexpr auto kPairTimeout = 60s;
constexpr int kTickMilliseconds = 500;

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

// Bytes on their way from one socket to another; at most one buffer of them.
class Direction {
 public:
  bool is_finished() const noexcept { return at_end_ && is_empty(); }
  short source_events() const noexcept { return is_empty() && !at_end_ ? POLLIN : 0; }
  short target_events() const noexcept { return is_empty() ? 0 : POLLOUT; }

  // Moves what can be moved now. False when either side is broken.
  bool advance(int source, int target) {
    if (is_empty() && !at_end_ && !fill(source, target)) return false;
    if (is_empty()) return true;
    const auto sent = ::send(target, buffer_.data() + begin_, end_ - begin_, MSG_NOSIGNAL);
    if (sent < 0) return would_block();
    begin_ += static_cast<std::size_t>(sent);
    return true;
  }

 private:
  bool is_empty() const noexcept { return begin_ == end_; }

  bool fill(int source, int target) {
    const auto got = ::recv(source, buffer_.data(), buffer_.size(), 0);
    if (got < 0) return would_block();
    if (got == 0) {
      at_end_ = true;
      ::shutdown(target, SHUT_WR);
    }
    begin_ = 0;
    end_ = static_cast<std::size_t>(got);
    return true;
  }

  std::vector<char> buffer_ = std::vector<char>(kBufferBytes);
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool at_end_ = false;
};

std::uint16_t port_of(const net::UniqueFd& socket) {
  ::sockaddr_in address{};
  ::socklen_t length = sizeof address;
  ::getsockname(socket.get(), reinterpret_cast<::sockaddr*>(&address), &length);
  return ntohs(address.sin_port);
}

net::UniqueFd connect_to(std::uint16_t port) {
  net::UniqueFd socket{::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  ::sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto* const target = reinterpret_cast<const ::sockaddr*>(&address);
  if (::connect(socket.get(), target, sizeof address) != 0 && errno != EINPROGRESS) socket.reset();
  return socket;
}

}  // namespace

void RelayedPorts::insert(std::uint16_t port) {
  const base::MutexLock lock{mutex_};
  ports_.insert(port);
}

void RelayedPorts::erase(std::uint16_t port) {
  const base::MutexLock lock{mutex_};
  ports_.erase(port);
}

bool RelayedPorts::contains(std::uint16_t port) const {
  const base::MutexLock lock{mutex_};
  return ports_.contains(port);
}

class Relay::Pair {
 public:
  Pair(net::UniqueFd client, net::UniqueFd server)
      : client_{std::move(client)}, server_{std::move(server)}, port_{port_of(server_)} {}

  std::uint16_t port() const noexcept { return port_; }

  ::pollfd client_poll() const noexcept {
    return {client_.get(), static_cast<short>(request_.source_events() | response_.target_events()),
            0};
  }
  ::pollfd server_poll() const noexcept {
    return {server_.get(), static_cast<short>(response_.source_events() | request_.target_events()),
            0};
  }

  // False when the pair is done, broken or out of time.
  bool advance() {
    if (!response_.advance(server_.get(), client_.get())) return false;
    if (response_.is_finished() || Clock::now() >= deadline_) return false;
    return request_.advance(client_.get(), server_.get());
  }

 private:
  net::UniqueFd client_;
  net::UniqueFd server_;
  std::uint16_t port_;
  Direction request_;
  Direction response_;
  Clock::time_point deadline_ = Clock::now() + kPairTimeout;
};

Relay::Relay(net::ListeningSocket listening, std::uint16_t target_port, RelayedPorts& ports)
    : listening_{std::move(listening)},
      target_port_{target_port},
      ports_{ports},
      stop_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)} {
  if (!stop_) throw std::system_error{errno, std::generic_category(), "eventfd"};
  running_ = std::async(std::launch::async, [this] { run(); });
}

Relay::~Relay() { ::eventfd_write(stop_.get(), 1); }

void Relay::run() {
  std::vector<Pair> pairs;
  std::vector<::pollfd> polled;
  while (true) {
    const bool accepts = pairs.size() < kPairsMax && !std::exchange(is_paused_, false);
    polled.assign({{stop_.get(), POLLIN, 0},
                   {accepts ? listening_.fd() : -1, POLLIN, 0}});  // poll(2) skips -1.
    for (const auto& pair : pairs) {
      polled.push_back(pair.client_poll());
      polled.push_back(pair.server_poll());
    }
    ::poll(polled.data(), polled.size(), kTickMilliseconds);
    if (polled[0].revents != 0) return;
    if (polled[1].revents != 0) accept_all(pairs);
    std::erase_if(pairs, [this](Pair& pair) {
      if (pair.advance()) return false;
      ports_.erase(pair.port());
      return true;
    });
  }
}

void Relay::accept_all(std::vector<Pair>& pairs) {
  while (pairs.size() < kPairsMax) {
    net::UniqueFd client{
        ::accept4(listening_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
    // Out of descriptors, the socket stays readable: a pause keeps poll() from spinning.
    if (!client) is_paused_ = !would_block();
    if (!client) return;
    if (auto server = connect_to(target_port_)) {
      pairs.emplace_back(std::move(client), std::move(server));
      // Before the first byte goes there, after which the server asks.
      ports_.insert(pairs.back().port());
    }
  }
}

}  // namespace chatgate::admin
