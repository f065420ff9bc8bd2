#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <chatgate/net/acceptor.h>

namespace chatgate::net {
namespace {

struct Accepted {
  UniqueFd socket;
  PeerAddress peer;
  int error = 0;
};

Accepted accept_from(int fd) noexcept {
  ::sockaddr_storage address{};
  ::socklen_t size = sizeof address;
  UniqueFd socket{
      ::accept4(fd, reinterpret_cast<::sockaddr*>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC)};
  const int error = socket ? 0 : errno;
  return {std::move(socket), PeerAddress::from_sockaddr(address), error};
}

// accept(2) hands out pending network errors of the new socket: those are of one client only.
bool is_of_one_client(int error) noexcept {
  constexpr int kErrors[] = {ECONNABORTED, EINTR,       ENETDOWN, EPROTO,
                             ENOPROTOOPT,  EHOSTDOWN,   ENONET,   EHOSTUNREACH,
                             EOPNOTSUPP,   ENETUNREACH, EPERM};
  return std::find(std::begin(kErrors), std::end(kErrors), error) != std::end(kErrors);
}

bool has_no_descriptor(int error) noexcept { return error == EMFILE || error == ENFILE; }

}  // namespace

void SpareDescriptor::restore() noexcept {
  if (!fd_) fd_.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

Acceptor::Acceptor(EventLoop& loop, ListeningSocket socket, SpareDescriptor& spare,
                   Handler& handler)
    : loop_{loop},
      socket_{std::move(socket)},
      spare_{spare},
      handler_{handler},
      back_off_timer_{loop.ready_set(), [this] {
                        is_backing_off_ = false;
                        update_interest();
                      }} {}

Acceptor::~Acceptor() {
  loop_.ready_set().remove(*this);
  // Closing would unregister an own socket; an inherited one stays open.
  if (socket_.is_inherited()) loop_.ready_set().withdraw(socket_.fd());
}

void Acceptor::start() {
  if (const auto error = loop_.ready_set().add(socket_.fd(), EPOLLIN, *this)) {
    throw std::system_error{error, "cannot await " + socket_.address()};
  }
}

void Acceptor::pause() noexcept {
  is_paused_ = true;
  update_interest();
}

void Acceptor::resume() noexcept {
  is_paused_ = false;
  update_interest();
}

// Level-triggered: when interest comes back, so does the event for what waits in the queue.
void Acceptor::update_interest() noexcept {
  const bool may_accept = !is_paused_ && !is_backing_off_;
  loop_.ready_set().modify(socket_.fd(), may_accept ? EPOLLIN : 0U, *this);
}

void Acceptor::on_ready(std::uint32_t /*events*/) {
  for (int i = 0; i < kAcceptsPerTurnMax && !is_paused_ && !is_backing_off_; ++i) {
    if (accept_one() != Outcome::Accepted) break;
  }
  handler_.on_turn_ended();
}

void Acceptor::accept_queue() {
  // Bounded, so that a flood cannot hold up a drain.
  for (int i = 1; i < kQueueMax && accept_one() == Outcome::Accepted; ++i) {
    if (i % kAcceptsPerTurnMax == 0) handler_.on_turn_ended();
  }
  handler_.on_turn_ended();
}

Acceptor::Outcome Acceptor::accept_one() {
  auto accepted = accept_from(socket_.fd());
  if (accepted.socket) {
    back_off_ = kPauseMin;
    handler_.on_accepted(std::move(accepted.socket), accepted.peer, Clock::now());
    return Outcome::Accepted;
  }
  if (accepted.error == EAGAIN) return Outcome::QueueEmpty;
  if (is_of_one_client(accepted.error)) return Outcome::Accepted;
  handler_.on_accept_error(accepted.error);
  if (has_no_descriptor(accepted.error)) dismiss_one();
  back_off();
  return Outcome::Failed;
}

void Acceptor::dismiss_one() {
  spare_.give_up();
  auto accepted = accept_from(socket_.fd());
  if (accepted.socket) handler_.on_exhausted(std::move(accepted.socket), accepted.peer);
  spare_.restore();
}

void Acceptor::back_off() {
  is_backing_off_ = true;
  update_interest();
  back_off_timer_.set(Clock::now() + back_off_);
  back_off_ = std::min(back_off_ * 2, kPauseMax);
}

}  // namespace chatgate::net
