#include "relay.h"

#include "relay_end.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>

#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <chatgate/base/assert.h>
#include <chatgate/base/units.h>

namespace chatgate::admin {
namespace {

using base::Clock;
using namespace std::chrono_literals;

constexpr std::size_t kPairsMax = 64;
constexpr std::size_t kBufferBytes = 16 * 1024;
constexpr auto kPairTimeout = 60s;
constexpr auto kHandshakeTimeout = 5s;
constexpr int kTickMilliseconds = 500;

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

// Bytes on their way from one end to another; at most one buffer of them, a record of TLS.
class Direction {
 public:
  bool is_finished() const noexcept { return is_finished_; }
  short source_events() const noexcept {
    return is_empty() && !at_end_ ? poll_events(source_waits_) : short{0};
  }
  short target_events() const noexcept {
    return is_empty() && (!at_end_ || is_finished_) ? short{0} : poll_events(target_waits_);
  }

  // Moves what can be moved now. False when either end is broken.
  bool advance(RelayEnd& source, RelayEnd& target) {
    if (is_empty() && !at_end_ && !fill(source)) return false;
    if (!is_empty()) return drain(target);
    return !at_end_ || is_finished_ || finish(target);
  }

 private:
  bool is_empty() const noexcept { return begin_ == end_; }

  bool fill(RelayEnd& source) {
    const auto [status, size] = source.read(buffer_);
    source_waits_ = RelayEnd::Status::WantsInput;
    if (status == RelayEnd::Status::Done) {
      begin_ = 0;
      end_ = size;
    } else if (status == RelayEnd::Status::Ended) {
      at_end_ = true;
    } else {
      source_waits_ = status;
    }
    return status != RelayEnd::Status::Failed;
  }

  bool drain(RelayEnd& target) {
    const auto [status, size] = target.write({buffer_.data() + begin_, end_ - begin_});
    begin_ += size;
    target_waits_ = status == RelayEnd::Status::Done ? RelayEnd::Status::WantsOutput : status;
    return status != RelayEnd::Status::Failed;
  }

  bool finish(RelayEnd& target) {
    target_waits_ = target.finish_output();
    is_finished_ = target_waits_ == RelayEnd::Status::Done;
    return target_waits_ != RelayEnd::Status::Failed;
  }

  std::vector<char> buffer_ = std::vector<char>(kBufferBytes);
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  RelayEnd::Status source_waits_ = RelayEnd::Status::WantsInput;
  RelayEnd::Status target_waits_ = RelayEnd::Status::WantsOutput;
  bool at_end_ = false;       // Nothing comes from the source any more.
  bool is_finished_ = false;  // And the target has been told.
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
  explicit Pair(RelayEnd client) : client_{std::move(client)} {}

  bool is_connected() const noexcept { return server_.fd() >= 0; }
  std::uint16_t port() const noexcept { return port_; }

  // poll(2) skips -1.
  ::pollfd client_poll() const noexcept {
    const int events = is_connected() ? request_.source_events() | response_.target_events()
                                      : poll_events(handshake_waits_);
    return {client_.fd(), static_cast<short>(events), 0};
  }
  ::pollfd server_poll() const noexcept {
    return {server_.fd(), static_cast<short>(response_.source_events() | request_.target_events()),
            0};
  }

  // Done, or what it waits for, or Failed: also when it is out of time.
  RelayEnd::Status handshake() {
    if (Clock::now() >= begun_at_ + kHandshakeTimeout) return RelayEnd::Status::Failed;
    return handshake_waits_ = client_.handshake();
  }

  void connect(net::UniqueFd server) {
    port_ = port_of(server);
    server_ = RelayEnd{std::move(server)};
  }

  // False when the pair is done, broken or out of time.
  bool pass() {
    if (!response_.advance(server_, client_)) return false;
    if (response_.is_finished() || Clock::now() >= begun_at_ + kPairTimeout) return false;
    return request_.advance(client_, server_);
  }

 private:
  RelayEnd client_;
  RelayEnd server_{net::UniqueFd{}};  // Once the client has shaken hands.
  std::uint16_t port_ = 0;
  RelayEnd::Status handshake_waits_ = RelayEnd::Status::WantsInput;
  Direction request_;
  Direction response_;
  Clock::time_point begun_at_ = Clock::now();
};

Relay::Relay(net::ListeningSocket listening, std::uint16_t target_port, RelayedPorts& ports,
             std::optional<net::TlsContext> tls)
    : listening_{std::move(listening)},
      target_port_{target_port},
      ports_{ports},
      tls_{std::move(tls)},
      stop_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)} {
  if (!stop_) throw std::system_error{errno, std::generic_category(), "eventfd"};
  running_ = std::async(std::launch::async, [this] { run(); });
}

Relay::~Relay() { ::eventfd_write(stop_.get(), 1); }

void Relay::replace_tls(net::TlsContext tls) {
  const base::MutexLock lock{mutex_};
  CHATGATE_ASSERT(tls_);
  tls_ = std::move(tls);
}

std::optional<net::TlsContext> Relay::present_tls() const {
  const base::MutexLock lock{mutex_};
  return tls_;
}

void Relay::run() {
  std::vector<Pair> pairs;
  std::vector<::pollfd> polled;
  while (true) {
    const bool accepts = pairs.size() < kPairsMax && !std::exchange(is_paused_, false);
    polled.assign({{stop_.get(), POLLIN, 0}, {accepts ? listening_.fd() : -1, POLLIN, 0}});
    for (const auto& pair : pairs) {
      polled.push_back(pair.client_poll());
      polled.push_back(pair.server_poll());
    }
    ::poll(polled.data(), polled.size(), kTickMilliseconds);
    if (polled[0].revents != 0) return;
    if (polled[1].revents != 0) accept_all(pairs);
    std::erase_if(pairs, [this](Pair& pair) {
      if (advance(pair)) return false;
      if (pair.is_connected()) ports_.erase(pair.port());
      return true;
    });
  }
}

bool Relay::advance(Pair& pair) {
  if (!pair.is_connected()) {
    const auto status = pair.handshake();
    if (status != RelayEnd::Status::Done) return status != RelayEnd::Status::Failed;
    auto server = connect_to(target_port_);
    if (!server) return false;
    pair.connect(std::move(server));
    // Before the first byte goes there, after which the server asks.
    ports_.insert(pair.port());
  }
  return pair.pass();
}

void Relay::accept_all(std::vector<Pair>& pairs) {
  const auto tls = present_tls();
  while (pairs.size() < kPairsMax) {
    net::UniqueFd client{
        ::accept4(listening_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
    // Out of descriptors, the socket stays readable: a pause keeps poll() from spinning.
    if (!client) is_paused_ = !would_block();
    if (!client) return;
    pairs.emplace_back(RelayEnd{std::move(client), tls});
  }
}

}  // namespace chatgate::admin
