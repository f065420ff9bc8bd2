#pragma once

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <chatgate/base/units.h>
#include <chatgate/net/event_loop.h>
#include <chatgate/net/output_queue.h>
#include <chatgate/net/tls_stream.h>
#include <chatgate/net/unique_fd.h>

namespace chatgate::net {

/// Why a coroutine that waited on its connection goes on.
enum class Wake : std::uint8_t {
  Ready,     // What it waited for: input, or output that has drained.
  TimedOut,  // The deadline passed. It is not armed any more.
  Told,      // Someone called tell().
  Failed,    // The socket refused output; the peer is gone.
};

/// One connected socket with its bounded output, its deadline and the coroutine that waits for
/// them.
///
/// Reads and writes never block. Output that the socket does not take is queued, and flushed when
/// the socket is writable again, whether or not the coroutine waits for that.
///
/// Threads: confined to `loop`, from construction to destruction.
/// Ownership: owns the socket; closing it is the destructor's work.
/// Concurrency: one coroutine waits at a time; it may destroy the connection when it is resumed.
class Connection final : private ReadySet::Handler, private Timer {
 public:
  using Clock = base::Clock;

  /// Told about output that was sent after send() had to queue it.
  class Observer {
   public:
    /// `bytes` more bytes went to the kernel, `connection.queued()` still wait.
    virtual void on_flushed(std::size_t bytes) = 0;
    /// A reply that had to wait is with the kernel as a whole.
    virtual void on_reply_flushed(Clock::time_point asked_at, Clock::time_point now) = 0;

   protected:
    ~Observer() = default;
  };

  struct Read {
    enum class Kind : std::uint8_t { Data, Nothing, Eof, Failed } kind;
    std::size_t size = 0;  // Bytes of Data, at least one.
  };

  /// Takes a non-blocking socket. Call open() before anything else.
  Connection(EventLoop& loop, UniqueFd socket, Observer& observer) noexcept
      : loop_{loop}, observer_{observer}, socket_{std::move(socket)} {}
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Registers the socket with the loop. Errors: those of ReadySet::add().
  std::error_code open() noexcept;

  /// Speaks TLS from here on, as its server. To be followed by handshake() until it is Done.
  void start_tls(const TlsContext& context);

  /// Goes on with the handshake. While it wants something, wait for readable(), which also tells
  /// of room for what it has to send.
  TlsStream::Status handshake();

  /// Gives up a handshake: in plain text from here on.
  void stop_tls() noexcept { tls_.reset(); }

  /// Nothing without TLS.
  const TlsStream* tls() const noexcept { return tls_.get(); }

  /// Reads once. Data ends the readiness only if it was less than asked for (epoll(7), edge), and
  /// after urgent data or a hang-up not even then.
  Read read(std::span<char> into);

  /// Sends a batch of replies; what the socket does not take now is queued. Returns how many bytes
  /// it took, or -1 if the peer is gone. The caller bounds queued().
  std::ptrdiff_t send(std::string_view batch, const std::vector<ReplyMark>& replies);

  /// Bytes and replies that wait for the socket.
  std::size_t queued() const noexcept { return output_ ? output_->size() : 0; }
  std::size_t queued_replies() const noexcept { return output_ ? output_->replies() : 0; }

  /// Since when the socket has taken no byte of what is queued. Requires queued() != 0.
  Clock::time_point stalled_since() const noexcept { return output_->progress_at(); }

  /// Ends our side of the conversation (close_notify, FIN). What is queued is dropped.
  void shut_down_output() noexcept;

  /// Makes the destructor reset the connection (RST) and drop what the peer did not get yet.
  void abort_on_close() noexcept;

  /// How long the kernel keeps trying to deliver output before it gives the peer up: tcp(7),
  /// TCP_USER_TIMEOUT; 0 is the kernel's default. Without effect on a Unix socket.
  void set_user_timeout(std::chrono::milliseconds timeout) noexcept;

  /// Sets the one deadline, in place of an earlier one.
  void set_deadline(Clock::time_point deadline) noexcept { loop_.timers().arm(*this, deadline); }
  void clear_deadline() noexcept { loop_.timers().disarm(*this); }

  /// Resumes the coroutine with Wake::Told, now or when it next waits.
  void tell();

  class Waiting;
  /// Waits for input. After a few reads in one turn it first lets the others have theirs.
  Waiting readable() noexcept;
  /// Waits until at most `bytes` bytes and `replies` replies are queued.
  Waiting drained(std::size_t bytes, std::size_t replies) noexcept;

 private:
  enum class Need : std::uint8_t { None, Input, Drain };

  // So many reads of one greedy client, then the others of the batch have their turn.
  static constexpr std::uint8_t kReadsPerTurnMax = 4;

  static std::ptrdiff_t receive(int socket, std::span<char> into) noexcept;
  static std::ptrdiff_t send_some(int socket, std::string_view bytes) noexcept;
  Read no_data(std::ptrdiff_t count) noexcept;
  Read read_tls(std::span<char> into);
  std::ptrdiff_t send_tls(std::string_view bytes);
  std::ptrdiff_t send_otherwise(std::string_view batch, const std::vector<ReplyMark>& replies);
  bool note_wish(TlsStream::Status status) noexcept;
  std::ptrdiff_t queue(std::string_view batch, std::ptrdiff_t count,
                       const std::vector<ReplyMark>& replies);
  void on_ready(std::uint32_t events) override;
  void on_deadline() override;
  void flush();
  void await_room() noexcept;
  bool is_satisfied() const noexcept {
    if (need_ == Need::Input) return is_readable_;
    return queued() <= drain_bytes_ && queued_replies() <= drain_replies_;
  }
  bool yields_its_turn();
  void resume(Wake wake);

  EventLoop& loop_;
  Observer& observer_;
  std::coroutine_handle<> waiter_;
  std::unique_ptr<OutputQueue> output_;
  std::unique_ptr<TlsStream> tls_;
  std::uint32_t drain_bytes_ = 0;
  std::uint32_t drain_replies_ = 0;
  UniqueFd socket_;
  Need need_ = Need::None;
  Wake wake_ = Wake::Ready;
  bool is_readable_ = false;
  bool is_hung_up_ = false;
  bool reads_on_ = false;  // After a short read, too: it proves nothing.
  bool has_failed_ = false;
  bool is_told_ = false;
  bool has_asked_again_ : 1 = false;
  bool awaits_room_ : 1 = false;          // Is told when the socket takes output again.
  bool reads_when_writable_ : 1 = false;  // TLS has to send before it can read on.
  bool is_closed_ : 1 = false;            // Nothing may be sent any more, not even a close_notify.
  std::uint8_t reads_ = 0;                // In this turn.
};

/// What readable() and drained() give: await it at once.
class Connection::Waiting {
 public:
  explicit Waiting(Connection& connection) noexcept : connection_{connection} {}

  bool await_ready() const noexcept {
    auto& c = connection_;
    if (c.is_told_ || c.has_failed_) [[unlikely]] {
      c.wake_ = c.is_told_ ? Wake::Told : Wake::Failed;
      return true;
    }
    c.wake_ = Wake::Ready;
    return c.is_satisfied() && !c.yields_its_turn();
  }
  void await_suspend(std::coroutine_handle<> waiter) const noexcept {
    connection_.waiter_ = waiter;
  }
  Wake await_resume() const noexcept {
    if (connection_.wake_ == Wake::Told) connection_.is_told_ = false;
    return connection_.wake_;
  }

 private:
  Connection& connection_;
};

// Inline is what each message passes.

inline Connection::Read Connection::read(std::span<char> into) {
  ++reads_;
  if (tls_) [[unlikely]]
    return read_tls(into);
  const auto count = receive(socket_.get(), into);
  if (count <= 0) return no_data(count);
  const auto size = static_cast<std::size_t>(count);
  // A short read emptied the socket, and more bytes make a new event.
  if (size < into.size() && !reads_on_) is_readable_ = false;
  return {Read::Kind::Data, size};
}

inline std::ptrdiff_t Connection::send(std::string_view batch,
                                       const std::vector<ReplyMark>& replies) {
  if (has_failed_) return -1;
  if (output_ || tls_) [[unlikely]]
    return send_otherwise(batch, replies);
  const auto count = send_some(socket_.get(), batch);
  if (count == static_cast<std::ptrdiff_t>(batch.size())) [[likely]]
    return count;
  return queue(batch, count, replies);
}

inline Connection::Waiting Connection::readable() noexcept {
  need_ = Need::Input;
  return Waiting{*this};
}

inline Connection::Waiting Connection::drained(std::size_t bytes, std::size_t replies) noexcept {
  need_ = Need::Drain;
  drain_bytes_ = static_cast<std::uint32_t>(bytes);
  drain_replies_ = static_cast<std::uint32_t>(replies);
  return Waiting{*this};
}

}  // namespace chatgate::net
