#pragma once

#include "engine.h"
#include "tally.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <chatgate/base/units.h>
#include <chatgate/bench/options.h>
#include <chatgate/bench/schedule.h>

namespace chatgate::bench {

/// One thread's share of a run.
struct Share {
  std::size_t first = 0;        // Number of its first client among those of all threads.
  std::size_t connections = 0;  // That work; clients 0 to connections - 1.
  std::size_t idle_connections = 0;
  std::uint64_t operations = 0;  // 0 = no bound.
  std::uint64_t warmup = 0;
  double rate = 0;
  std::chrono::nanoseconds offset{};  // Of its schedule, so that threads do not send in step.
};

/// What a stretch of work is bounded by.
struct Bounds {
  std::uint64_t operations = 0;         // 0 = no bound.
  std::chrono::nanoseconds duration{};  // 0 = no bound.
};

/// The clients of one thread: opens them, lets them talk, tallies what happens.
///
/// Threads: made, used and destroyed on one thread; tally() may be read by any.
/// Errors: what the server does wrong is tallied. Throws std::system_error when the kernel refuses
///   the engine.
class ClientLoop final : private EngineEvents {
 public:
  using Time = base::Clock::time_point;

  /// `stop`: somebody wants the run to end early.
  ClientLoop(const Options& options, const Share& share, const Route& route, Tally& tally,
             const std::atomic<bool>& stop);

  EngineKind engine() const { return engine_->kind(); }

  /// Opens what stays open: each is greeted, has had its preamble, or is lost afterwards.
  void open_all();

  /// Does operations until a bound is reached, then waits for the replies that are still due.
  void work(const Bounds& bounds);

  /// Keeps what is open, and notices what the server ends.
  void hold(std::chrono::nanoseconds duration);

  void close_all();

 private:
  // How late a time-out or a stop may be noticed.
  static constexpr std::chrono::milliseconds kTick{100};

  enum class Stage : std::uint8_t { Closed, Greeting, Preamble, Opener, Talking };

  struct Client {
    Stage stage = Stage::Closed;
    std::uint8_t refusal = 0;  // Bytes of the greeting that look like a refusal.
    std::uint8_t ignored = 0;  // Bytes of the current line that begin as what is ignored does.
    std::uint32_t lines = 0;   // Of the stage's greeting, or of the current reply.
    std::uint64_t due = 0;     // Messages that the open loop has asked for.
    std::uint64_t sent = 0;
    std::uint64_t replied = 0;
    Time since{};  // When it last made progress, or began to wait for some.

    std::uint64_t waiting() const { return sent - replied; }
  };

  // EngineEvents
  void on_wake() override { now_ = base::Clock::now(); }
  void on_connected(ClientId id) override;
  void on_received(ClientId id, std::string_view bytes) override;
  void on_closed(ClientId id, int error) override;

  // Opening.
  bool open(ClientId id, Time intended);
  void enter(ClientId id, Stage stage);
  void on_lines_before_talk(ClientId id, std::string_view bytes);
  bool is_refusal(Client& client, std::string_view bytes);
  void on_greeted(ClientId id);
  void on_ready(ClientId id);

  // Talking.
  std::uint64_t count_lines(Client& client, std::string_view bytes) const;
  void on_lines(ClientId id, std::uint64_t lines);
  void on_replies(ClientId id, std::uint64_t replies);
  Time intended_at(ClientId id, std::uint64_t message) const;
  void say(ClientId id, std::uint64_t messages);
  void start_due();
  void start_messages(std::uint64_t due);
  void start_connections(std::uint64_t due);
  void top_up(ClientId id);

  // Ends.
  void end_conversation(ClientId id);
  void release(ClientId id);
  void abandon(ClientId id, Fault fault, std::string text);
  void fail(ClientId id, Fault fault, std::string text);
  std::uint64_t owed_by(ClientId id) const;
  void check_timeouts();
  void give_up_waiting();
  bool nobody_is_there() const;
  bool is_worker(ClientId id) const { return id < share_.connections; }
  bool may_ask() const { return asking_ && (limit_ == 0 || asked_ < limit_); }
  std::chrono::nanoseconds until_next() const;
  void pump(std::chrono::nanoseconds timeout);

  const Options& options_;
  const Share share_;
  Tally& tally_;
  const std::atomic<bool>& stop_;
  std::string message_;                 // One, with its end.
  std::string messages_;                // `window` of them: what is sent stays valid.
  std::vector<std::string> preambles_;  // One for all, or one for each client.
  std::vector<Client> clients_;
  std::vector<Time> sent_at_;  // `window` for each that works: intended times of a closed loop.
  std::unique_ptr<Engine> engine_;

  Time now_ = base::Clock::now();
  Time checked_ = now_;
  std::size_t opening_ = 0;  // Clients that are open and not ready.
  std::size_t working_ = 0;  // Clients that are open and work.

  // Of the current stretch of work.
  bool asking_ = false;
  std::uint64_t limit_ = 0;
  Time ask_until_{};
  std::uint64_t asked_ = 0;  // Operations that began, or should have.
  std::uint64_t begun_ = 0;  // Connection mode: of these, conversations that were opened.
  std::uint64_t ended_ = 0;  // Operations that were completed or failed.
  std::uint64_t failures_in_row_ = 0;
  std::optional<Schedule> schedule_;
  std::vector<ClientId> free_;  // Connection mode: clients without a conversation.
};

}  // namespace chatgate::bench
