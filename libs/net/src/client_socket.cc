#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include <poll.h>
#include <sys/socket.h>

#include <chatgate/net/client_socket.h>

namespace chatgate::net {
namespace {

using base::Clock;
using base::Unexpected;

std::string system_text(int error) { return std::generic_category().message(error); }

bool is_passing(int error) { return error == EAGAIN || error == EINTR; }

}  // namespace

// False at the deadline. A failed poll counts as ready: the call that follows says what is wrong.
bool ClientSocket::wait_for(short events) {
  constexpr std::chrono::milliseconds kPollMax{60'000};
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Clock::now());
    if (left.count() <= 0) return false;
    ::pollfd entry{socket_.get(), events, 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(std::min(left, kPollMax).count()));
    if (ready > 0 || (ready < 0 && errno != EINTR)) return true;
  }
}

std::optional<std::string> ClientSocket::connect(const std::vector<RemoteAddress>& candidates) {
  std::optional<std::string> error = "the name has no address";
  for (const auto& candidate : candidates) {
    error = connect_to(candidate);
    if (!error) break;
  }
  return error;
}

std::optional<std::string> ClientSocket::connect_to(const RemoteAddress& candidate) {
  socket_.reset(
      ::socket(candidate.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket_) return system_text(errno);
  if (::connect(socket_.get(), candidate.get(), candidate.length) == 0) return std::nullopt;
  if (errno != EINPROGRESS) return system_text(errno);
  if (!wait_for(POLLOUT)) return "no connection in time";
  int error = 0;
  ::socklen_t length = sizeof error;
  if (::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &length) != 0) error = errno;
  if (error != 0) return system_text(error);
  return std::nullopt;
}

std::optional<std::string> ClientSocket::start_tls(const TlsContext& context,
                                                   const std::string& name) {
  tls_.emplace(context, socket_.get(), name);
  while (true) {
    const auto status = tls_->handshake();
    if (status == TlsStream::Status::Done) return std::nullopt;
    if (status == TlsStream::Status::Failed) return tls_->error();
    if (!wait_for(status)) return "no TLS handshake in time";
  }
}

// False at the deadline, and when there is nothing to wait for any more.
bool ClientSocket::wait_for(TlsStream::Status status) {
  if (status == TlsStream::Status::WantsInput) return wait_for(POLLIN);
  return status == TlsStream::Status::WantsOutput && wait_for(POLLOUT);
}

std::optional<std::string> ClientSocket::send(std::string_view text) {
  if (tls_) return send_tls(text);
  while (!text.empty()) {
    const auto sent = ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      text.remove_prefix(static_cast<std::size_t>(sent));
    } else if (!is_passing(errno)) {
      return system_text(errno);
    } else if (!wait_for(POLLOUT)) {
      return "the server does not read";
    }
  }
  return std::nullopt;
}

std::optional<std::string> ClientSocket::send_tls(std::string_view text) {
  while (!text.empty()) {
    const auto [status, size] = tls_->write(text);
    text.remove_prefix(size);
    if (status == TlsStream::Status::Failed) return tls_->error();
    if (status != TlsStream::Status::Done && !wait_for(status)) return "the server does not read";
  }
  return std::nullopt;
}

base::Expected<std::size_t, std::string> ClientSocket::receive_tls(std::span<char> piece) {
  while (true) {
    const auto [status, size] = tls_->read(piece);
    if (status == TlsStream::Status::Done) return size;
    if (status == TlsStream::Status::Ended) return std::size_t{0};
    if (status == TlsStream::Status::Failed) return Unexpected{tls_->error()};
    if (!wait_for(status)) return Unexpected{std::string{"nothing came in time"}};
  }
}

base::Expected<std::size_t, std::string> ClientSocket::receive(std::string& input) {
  std::array<char, 65'536> piece;
  if (tls_) {
    auto size = receive_tls(piece);
    if (size) input.append(piece.data(), *size);
    return size;
  }
  while (wait_for(POLLIN)) {
    const auto size = ::recv(socket_.get(), piece.data(), piece.size(), 0);
    if (size >= 0) {
      input.append(piece.data(), static_cast<std::size_t>(size));
      return static_cast<std::size_t>(size);
    }
    if (!is_passing(errno)) return Unexpected{system_text(errno)};
  }
  return Unexpected{std::string{"nothing came in time"}};
}

void ClientSocket::finish() {
  if (tls_) tls_->shut_down();
  if (::shutdown(socket_.get(), SHUT_WR) != 0) return;
  std::array<char, 4096> ignored;
  while (wait_for(POLLIN)) {
    const auto size = ::recv(socket_.get(), ignored.data(), ignored.size(), 0);
    if (size == 0 || (size < 0 && !is_passing(errno))) return;
  }
}

}  // namespace chatgate::net
