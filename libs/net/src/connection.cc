#include <algorithm>
#include <cerrno>

#include <sys/epoll.h>
#include <sys/socket.h>

#include <chatgate/base/assert.h>
#include <chatgate/net/connection.h>

namespace chatgate::net {
namespace {

constexpr std::uint32_t kEvents = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

std::ptrdiff_t send_some(int socket, std::string_view bytes) noexcept {
  while (true) {
    const auto count = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count >= 0 || errno != EINTR) return count;
  }
}

}  // namespace

Connection::~Connection() {
  CHATGATE_ASSERT(loop_.is_current_thread());
  loop_.ready_set().remove(*this);
}

std::error_code Connection::open() noexcept {
  return loop_.ready_set().add(socket_.get(), kEvents, *this);
}

Connection::Read Connection::read(std::span<char> into) noexcept {
  ++reads_;
  const auto count = ::recv(socket_.get(), into.data(), into.size(), 0);
  if (count > 0) {
    const auto size = static_cast<std::size_t>(count);
    // A short read emptied the socket, and more bytes make a new event; but a hang-up was told
    // once and for all, so its EOF must be read without one.
    if (size < into.size() && !is_hung_up_) is_readable_ = false;
    return {Read::Kind::Data, size};
  }
  if (count == 0) return {Read::Kind::Eof};
  if (errno == EINTR) return {Read::Kind::Nothing};
  is_readable_ = false;
  return {errno == EAGAIN ? Read::Kind::Nothing : Read::Kind::Failed};
}

std::ptrdiff_t Connection::send(std::string_view batch, const std::vector<ReplyMark>& replies) {
  if (has_failed_) return -1;
  std::size_t sent = 0;
  if (!output_) {
    const auto count = send_some(socket_.get(), batch);
    if (count == static_cast<std::ptrdiff_t>(batch.size())) return count;
    if (count < 0 && errno != EAGAIN) {
      has_failed_ = true;
      return -1;
    }
    sent = count > 0 ? static_cast<std::size_t>(count) : 0;
    output_ = std::make_unique<OutputQueue>(Clock::now());
  }
  output_->append(batch, sent, replies);
  return static_cast<std::ptrdiff_t>(sent);
}

void Connection::flush() {
  while (output_) {
    const auto count = send_some(socket_.get(), output_->front());
    if (count < 0) {
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
  ::shutdown(socket_.get(), SHUT_WR);
}

void Connection::abort_on_close() noexcept {
  const ::linger reset{.l_onoff = 1, .l_linger = 0};  // socket(7): SO_LINGER of 0 means RST.
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
}

void Connection::tell() {
  is_told_ = true;
  if (waiter_) resume(Wake::Told);
}

Connection::Waiting Connection::readable() noexcept {
  need_ = Need::Input;
  return Waiting{*this};
}

Connection::Waiting Connection::drained(std::size_t bytes, std::size_t replies) noexcept {
  need_ = Need::Drain;
  drain_bytes_ = static_cast<std::uint32_t>(bytes);
  drain_replies_ = static_cast<std::uint32_t>(replies);
  return Waiting{*this};
}

bool Connection::is_satisfied() const noexcept {
  if (need_ == Need::Input) return is_readable_;
  return queued() <= drain_bytes_ && queued_replies() <= drain_replies_;
}

void Connection::on_ready(std::uint32_t events) {
  if (events == 0) has_asked_again_ = false;
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) is_hung_up_ = true;
  if ((events & EPOLLIN) != 0 || is_hung_up_) is_readable_ = true;
  if ((events & EPOLLOUT) != 0 && output_) flush();
  reads_ = 0;
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

bool Connection::Waiting::await_ready() const noexcept {
  auto& c = connection_;
  c.wake_ = c.is_told_ ? Wake::Told : c.has_failed_ ? Wake::Failed : Wake::Ready;
  if (c.wake_ != Wake::Ready) return true;
  if (!c.is_satisfied()) return false;
  if (c.reads_ < kReadsPerTurnMax) return true;
  if (!c.has_asked_again_) c.loop_.ready_set().again(c);
  c.has_asked_again_ = true;
  return false;
}

Wake Connection::Waiting::await_resume() const noexcept {
  if (connection_.wake_ == Wake::Told) connection_.is_told_ = false;
  return connection_.wake_;
}

}  // namespace chatgate::net
