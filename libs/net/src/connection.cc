#include <algorithm>
#include <cerrno>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chatgate/base/assert.h>
#include <chatgate/net/connection.h>

namespace chatgate::net {
namespace {

// Room for output is asked for only once a socket had none: who is told of it at the start wakes up
// for nothing, each client once.
constexpr std::uint32_t kEvents = EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLET;

// A send that did not block, or was interrupted before it did anything.
bool is_for_now(int error) noexcept { return error == EAGAIN || error == EINTR; }

}  // namespace

// recv(2) and send(2) without what glibc adds to them in a program of several threads, 45
// instructions a call to be a cancellation point (pthreads(7)): nobody cancels a thread here.
std::ptrdiff_t Connection::receive(int socket, std::span<char> into) noexcept {
  return ::syscall(SYS_recvfrom, socket, into.data(), into.size(), 0, nullptr, nullptr);
}

std::ptrdiff_t Connection::send_some(int socket, std::string_view bytes) noexcept {
  return ::syscall(SYS_sendto, socket, bytes.data(), bytes.size(), MSG_NOSIGNAL, nullptr, 0);
}

Connection::~Connection() {
  CHATGATE_ASSERT(loop_.is_current_thread());
  if (tls_ && !is_closed_ && !has_failed_) tls_->shut_down();
  loop_.ready_set().remove(*this);
}

std::error_code Connection::open() noexcept {
  return loop_.ready_set().add(socket_.get(), kEvents, *this);
}

Connection::Read Connection::no_data(std::ptrdiff_t count) noexcept {
  if (count == 0) return {Read::Kind::Eof};
  if (errno == EINTR) return {Read::Kind::Nothing};
  is_readable_ = false;
  reads_on_ = is_hung_up_;
  return {errno == EAGAIN ? Read::Kind::Nothing : Read::Kind::Failed};
}

void Connection::start_tls(const TlsContext& context) {
  tls_ = std::make_unique<TlsStream>(context, socket_.get());
}

TlsStream::Status Connection::handshake() {
  const auto status = tls_->handshake();
  note_wish(status);
  return status;
}

// Whether TLS waits for the socket. Unlike recv(2) it may read on after a short read, so that only
// this ends the readiness.
bool Connection::note_wish(TlsStream::Status status) noexcept {
  if (status == TlsStream::Status::WantsOutput) {
    reads_when_writable_ = true;
    await_room();
  } else if (status != TlsStream::Status::WantsInput) {
    return false;
  }
  is_readable_ = false;
  return true;
}

Connection::Read Connection::read_tls(std::span<char> into) {
  const auto [status, size] = tls_->read(into);
  if (status == TlsStream::Status::Done) return {Read::Kind::Data, size};
  if (note_wish(status)) return {Read::Kind::Nothing};
  return {status == TlsStream::Status::Ended ? Read::Kind::Eof : Read::Kind::Failed};
}

// As send_some(): how much was taken, or -1 and errno. What is pending in the stream is the
// beginning of what is sent next (SSL_write(3), a write that is repeated).
std::ptrdiff_t Connection::send_tls(std::string_view bytes) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const auto [status, size] = tls_->write(bytes.substr(sent));
    sent += size;
    if (status == TlsStream::Status::Done) continue;
    const bool is_pending =
        status == TlsStream::Status::WantsOutput || status == TlsStream::Status::WantsInput;
    errno = is_pending ? EAGAIN : EPIPE;
    if (!is_pending || sent == 0) return -1;
    break;
  }
  return static_cast<std::ptrdiff_t>(sent);
}

// Behind what is queued, or by TLS.
std::ptrdiff_t Connection::send_otherwise(std::string_view batch,
                                          const std::vector<ReplyMark>& replies) {
  if (output_) return queue(batch, 0, replies);
  const auto count = send_tls(batch);
  return count == static_cast<std::ptrdiff_t>(batch.size()) ? count : queue(batch, count, replies);
}

// Keeps what the socket did not take of a batch; `count` is what the attempt to send it gave.
std::ptrdiff_t Connection::queue(std::string_view batch, std::ptrdiff_t count,
                                 const std::vector<ReplyMark>& replies) {
  if (count < 0 && !is_for_now(errno)) {
    has_failed_ = true;
    return -1;
  }
  const auto sent = count > 0 ? static_cast<std::size_t>(count) : 0;
  if (!output_) {
    output_ = std::make_unique<OutputQueue>(Clock::now());
    await_room();
  }
  output_->append(batch, sent, replies);
  return static_cast<std::ptrdiff_t>(sent);
}

void Connection::await_room() noexcept {
  if (awaits_room_) return;
  awaits_room_ = true;
  loop_.ready_set().modify(socket_.get(), kEvents | EPOLLOUT, *this);
}

void Connection::flush() {
  while (output_) {
    const auto front = output_->front();
    const auto count = tls_ ? send_tls(front) : send_some(socket_.get(), front);
    if (count < 0) {
      if (errno == EINTR) continue;
      has_failed_ = errno != EAGAIN;
      return;
    }
    const auto now = Clock::now();
    const auto sent = static_cast<std::size_t>(count);
    output_->consume(sent, now, [&](auto asked_at) { observer_.on_reply_flushed(asked_at, now); });
    if (output_->size() == 0) output_.reset();
    observer_.on_flushed(sent);
  }
}

void Connection::shut_down_output() noexcept {
  output_.reset();
  is_closed_ = true;
  if (tls_) tls_->shut_down();
  // What still comes is dropped, and only the socket can tell when that ends.
  if (tls_ && !tls_->is_shaken()) tls_.reset();
  ::shutdown(socket_.get(), SHUT_WR);
}

void Connection::abort_on_close() noexcept {
  is_closed_ = true;
  const ::linger reset{.l_onoff = 1, .l_linger = 0};  // socket(7): SO_LINGER of 0 means RST.
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
}

void Connection::set_user_timeout(std::chrono::milliseconds timeout) noexcept {
  const int milliseconds = static_cast<int>(timeout.count());
  ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, sizeof milliseconds);
}

void Connection::tell() {
  is_told_ = true;
  if (waiter_) resume(Wake::Told);
}

void Connection::on_ready(std::uint32_t events) {
  reads_ = 0;
  if (events == EPOLLIN && need_ == Need::Input && waiter_ && !has_failed_) [[likely]] {
    is_readable_ = true;
    return resume(Wake::Ready);
  }
  if (events == 0) has_asked_again_ = false;
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) is_hung_up_ = true;
  // A hang-up is told once and for all, so its EOF must be read without another event. And a read
  // ends where urgent data is, whatever came behind it (tcp(7)).
  if ((events & EPOLLPRI) != 0 || is_hung_up_) reads_on_ = true;
  if ((events & EPOLLIN) != 0 || is_hung_up_) is_readable_ = true;
  if ((events & EPOLLOUT) != 0 && output_) flush();
  if ((events & EPOLLOUT) != 0 && reads_when_writable_) {
    reads_when_writable_ = false;
    is_readable_ = true;
  }
  if (!waiter_) return;
  if (has_failed_) return resume(Wake::Failed);
  if (is_satisfied()) resume(Wake::Ready);
}

void Connection::on_deadline() {
  if (waiter_) resume(Wake::TimedOut);
}

void Connection::resume(Wake wake) {
  wake_ = wake;
  std::exchange(waiter_, {}).resume();  // May destroy *this: nothing after it.
}

// Whether it lets the others of the batch go first, having read enough in this turn.
bool Connection::yields_its_turn() {
  if (reads_ < kReadsPerTurnMax) return false;
  if (!has_asked_again_) loop_.ready_set().again(*this);
  has_asked_again_ = true;
  return true;
}

}  // namespace chatgate::net
