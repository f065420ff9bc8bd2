#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <chatgate/net/unique_fd.h>
#include <chatgate/session/worker.h>

namespace chatgate::fuzz {

/// One worker, and one client at a time that talks to a session of it over a real socket pair.
///
/// Everything happens on the worker's thread, in steps between which nothing is left to move: what
/// is seen does not depend on how threads are scheduled, and a session costs one hand-over between
/// threads. Time stands still but for pass_ticks().
///
/// Threads: connect() and run() on one; the others in a step of run().
/// Lifetime: as long as the program, because a worker costs more than a session.
class SessionRig {
 public:
  using Profile = std::shared_ptr<const session::ListenerProfile>;

  static constexpr base::ListenerId kListener{1};
  static constexpr base::SessionId kSession{7};

  static SessionRig& instance();

  /// What an ended session counted.
  struct Counts {
    std::array<std::uint64_t, session::kEndReasonCount> closed{};
    std::uint64_t messages = 0;
    std::uint64_t replies = 0;
    std::uint64_t received_bytes = 0;
    std::uint64_t sent_bytes = 0;
  };

  /// Connects a client; `is_narrow`: little fits between the session and its client.
  void connect(Profile profile, bool is_narrow);

  /// Calls `step` until it returns false, each time when nothing moves any more.
  void run(std::function<bool()> step);

  // What the client does; then nothing moves any more.
  /// Returns how many bytes its socket took.
  std::size_t send(std::string_view bytes);
  void end_input();
  void reset();
  void set_reading(bool is_reading);

  // What happens to the session.
  void pass_ticks(std::size_t count);

  // What happens to it after this step.
  void reload(Profile profile);
  void announce(std::string line);
  void drain();
  void close(bool abort);
  void abort_all();

  /// What the client has read, and whether then came the end.
  const std::string& received() const { return received_; }
  bool is_at_end() const { return is_at_end_; }
  /// Bytes that are there for the client, which does not read.
  std::size_t unread() const;
  std::size_t sent() const { return sent_; }

  /// Closes the client, waits for the end of the session, and says what it counted.
  Counts finish();

 private:
  SessionRig();

  void take_turn();
  void pass_tick();
  void settle();
  bool serve_turn();
  bool read();
  Counts counts();

  telemetry::Log log_;
  session::SessionMetrics metrics_{1};
  session::ClosedSessions closed_;
  std::unique_ptr<session::Worker> worker_;

  std::function<bool()> step_;
  std::promise<void> done_;
  net::UniqueFd client_;
  Counts before_;
  std::string received_;
  std::size_t sent_ = 0;
  bool is_reading_ = true;
  bool is_at_end_ = false;
};

}  // namespace chatgate::fuzz
