#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

#include <chatgate/base/units.h>
#include <chatgate/net/address.h>
#include <chatgate/net/event_loop.h>
#include <chatgate/net/listening_socket.h>
#include <chatgate/net/timer_descriptor.h>

namespace chatgate::net {

/// A descriptor held in reserve: given up for a moment, it lets accept4(2) take and dismiss one
/// connection when the process has no descriptor left.
///
/// Threads: confined to one acceptor's loop.
class SpareDescriptor {
 public:
  SpareDescriptor() { restore(); }
  void give_up() noexcept { fd_.reset(); }
  void restore() noexcept;

 private:
  UniqueFd fd_;
};

/// Accepts the connections of one listening socket.
///
/// When the system has no descriptor or memory left (EMFILE, ENFILE, ENOMEM, ENOBUFS: accept(2)),
/// one pending connection is taken with the spare descriptor and dismissed; then accepting pauses,
/// 10 ms at first and doubling to 1 s, so it never spins.
///
/// Threads: confined to `loop`. Lifetime: the loop outlives it; so does the handler.
class Acceptor final : private ReadySet::Handler {
 public:
  using Clock = base::Clock;

  /// What becomes of connections. Called on the loop; must not destroy the acceptor.
  class Handler {
   public:
    /// A new connection, non-blocking and close-on-exec.
    virtual void on_accepted(UniqueFd socket, const PeerAddress& peer, Clock::time_point now) = 0;
    /// The same, but `socket` was bought with the spare descriptor: say no, and close it before
    /// this returns.
    virtual void on_exhausted(UniqueFd socket, const PeerAddress& peer) = 0;
    /// The queue is empty for now, or others have their turn: what was collected may leave.
    virtual void on_turn_ended() = 0;
    /// accept4(2) failed with `error`; transient ones (ECONNABORTED, EINTR) are not reported.
    virtual void on_accept_error(int error) = 0;

   protected:
    ~Handler() = default;
  };

  static constexpr std::chrono::milliseconds kPauseMin{10};
  static constexpr std::chrono::milliseconds kPauseMax{1000};

  Acceptor(EventLoop& loop, ListeningSocket socket, SpareDescriptor& spare, Handler& handler);
  ~Acceptor();

  /// Starts to accept. Throws std::system_error if the socket cannot be awaited.
  void start();

  /// Stops accepting, and goes on: connections wait in the kernel's backlog meanwhile.
  void pause() noexcept;
  void resume() noexcept;
  bool is_paused() const noexcept { return is_paused_; }

  /// Accepts what is in the queue now, also when paused. For the last moment before closing.
  void accept_queue();

  const ListeningSocket& socket() const noexcept { return socket_; }

 private:
  enum class Outcome : std::uint8_t { Accepted, QueueEmpty, Failed };

  // So many connections, then the others on the loop (lingering refusals) have their turn.
  static constexpr int kAcceptsPerTurnMax = 64;
  // No queue of the kernel is longer (listen(2), net.core.somaxconn).
  static constexpr int kQueueMax = 65'535;

  void on_ready(std::uint32_t events) override;
  Outcome accept_one();
  void dismiss_one();
  void back_off();
  void update_interest() noexcept;

  EventLoop& loop_;
  ListeningSocket socket_;
  SpareDescriptor& spare_;
  Handler& handler_;
  TimerDescriptor back_off_timer_;
  std::chrono::milliseconds back_off_{kPauseMin};
  bool is_paused_ = false;
  bool is_backing_off_ = false;
};

}  // namespace chatgate::net
