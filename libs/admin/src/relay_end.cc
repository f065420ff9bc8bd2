#include "relay_end.h"

#include <array>
#include <cerrno>
#include <utility>

#include <poll.h>
#include <sys/socket.h>

namespace chatgate::admin {
namespace {

using Status = RelayEnd::Status;

constexpr char kHandshakeRecord = 0x16;  // RFC 8446, section 5.1.
constexpr std::string_view kHttpAnswer =
    "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
    "{\"error\":\"this endpoint speaks TLS: ask https://HOST:PORT, as --admin of chatgate ctl, "
    "too\"}\n";

Status for_now_or_failed(Status wanted) {
  return errno == EAGAIN || errno == EINTR ? wanted : Status::Failed;
}

}  // namespace

short poll_events(Status status) noexcept {
  if (status == Status::WantsInput) return POLLIN;
  return status == Status::WantsOutput ? POLLOUT : short{0};
}

RelayEnd::RelayEnd(net::UniqueFd socket, const std::optional<net::TlsContext>& tls)
    : socket_{std::move(socket)} {
  if (tls) tls_.emplace(*tls, socket_.get());
}

Status RelayEnd::handshake() {
  if (!tls_) return Status::Done;
  if (!is_tls_seen_) {
    const auto status = expect_tls();
    if (status != Status::Done) return status;
    is_tls_seen_ = true;
  }
  return tls_->handshake();
}

// A person who forgot the s of https would otherwise see a connection that ends.
Status RelayEnd::expect_tls() {
  std::array<char, 4096> first;
  const auto count = ::recv(fd(), first.data(), 1, MSG_PEEK);
  if (count < 0) return for_now_or_failed(Status::WantsInput);
  if (count == 0) return Status::Failed;
  if (first[0] == kHandshakeRecord) return Status::Done;
  if (first[0] < 'A' || first[0] > 'Z') return Status::Failed;
  // Closing with unread input would reset the connection, and the answer with it.
  ::recv(fd(), first.data(), first.size(), 0);
  ::send(fd(), kHttpAnswer.data(), kHttpAnswer.size(), MSG_NOSIGNAL);
  ::shutdown(fd(), SHUT_WR);
  return Status::Failed;
}

RelayEnd::Result RelayEnd::read(std::span<char> into) {
  if (tls_) return tls_->read(into);
  const auto count = ::recv(fd(), into.data(), into.size(), 0);
  if (count < 0) return {for_now_or_failed(Status::WantsInput)};
  return {count == 0 ? Status::Ended : Status::Done, static_cast<std::size_t>(count)};
}

RelayEnd::Result RelayEnd::write(std::string_view bytes) {
  if (tls_) return tls_->write(bytes);
  const auto count = ::send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (count < 0) return {for_now_or_failed(Status::WantsOutput)};
  return {Status::Done, static_cast<std::size_t>(count)};
}

Status RelayEnd::finish_output() {
  if (tls_) {
    const auto status = tls_->shut_down();
    if (status != Status::Done) return status;
  }
  ::shutdown(fd(), SHUT_WR);
  return Status::Done;
}

}  // namespace chatgate::admin
