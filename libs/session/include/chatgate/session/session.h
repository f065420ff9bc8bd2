#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <chatgate/admission/ticket.h>
#include <chatgate/net/connection.h>
#include <chatgate/net/task.h>
#include <chatgate/protocol/line_framer.h>
#include <chatgate/protocol/sniffer.h>
#include <chatgate/protocol/telnet_filter.h>
#include <chatgate/session/end_reason.h>
#include <chatgate/session/goodbye.h>
#include <chatgate/session/plain_lines.h>
#include <chatgate/session/session_record.h>
#include <chatgate/session/worker.h>

namespace chatgate::session {

/// The most that one read takes, so the most that waits unparsed while its client is slow.
inline constexpr std::size_t kReadBytesMax = 16 * 1024;

/// `idle_warning` comes so long before `idle_timeout`.
inline constexpr std::chrono::seconds kIdleWarningLead{30};

/// One client, from the greeting to the end reason.
///
/// Threads: its worker's. Ownership: the frame of serve() owns it, and it owns the socket.
/// Cost: an idle session holds no buffer; a message costs no allocation, and moves no deadline: the
///   timer that is armed finds out, when it fires, how much time is left.
class Session final : private net::Connection::Observer {
 public:
  /// Serves one client to its end, and counts, logs and forgets it. `arrival` is used up before
  /// the first suspension: a copy would stay in the frame of every idle session.
  static net::RootTask serve(Worker& worker, Arrival& arrival);

  const SessionRecord& record() const noexcept { return record_; }
  OpenSession describe() const;
  SessionState state() const noexcept;
  std::size_t queued_bytes() const noexcept { return connection_.queued(); }

  /// Whether nothing is under way: no unfinished line, no unanswered message.
  bool is_idle() const noexcept;

  /// Says a line on our own behalf, unless the client is too slow already, or leaves.
  void say(std::string_view line);

  /// Makes the session end with `reason`, once it has answered what it has read; `abort` or an
  /// abrupt reason: at once, by a reset. May destroy the session.
  void end(EndReason reason, bool abort = false);

  /// Makes the session end with `reason` at `when`, unless it ends before.
  void end_at(EndReason reason, base::Clock::time_point when);

  /// Takes the time-outs of the worker's present level of overload into account at once.
  void hurry() { arm(); }

  // Its place in the worker's table.
  std::uint32_t table_index = 0;

 private:
  using Clock = base::Clock;
  using End = std::optional<EndReason>;

  Session(Worker& worker, Arrival& arrival);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // session_start.cc: until the greeting.
  End begin();
  End start_tls(const net::TlsContext& context);
  End shake_hands();
  void give_up_handshake(EndReason reason);
  void stop_shaking() noexcept;

  // session.cc: the conversation.
  net::Connection::Waiting next();
  End on_wake(net::Wake wake) {
    // What most wake-ups are for.
    if (wake == net::Wake::Ready && !is_backlogged_) [[likely]]
      return on_input();
    return on_rare_wake(wake);
  }
  End on_rare_wake(net::Wake wake);
  bool is_owed_goodbye(EndReason reason) const noexcept;
  net::Task<EndReason> part(EndReason reason);
  GoodbyeLimits goodbye_limits(EndReason reason) const noexcept;
  void settle(EndReason reason);

  // session_answers.cc: the path of a byte.
  End greet(Clock::time_point waits_since);
  std::span<char> input_space() const noexcept;
  End on_input();
  End on_no_data(net::Connection::Read::Kind kind);
  End on_eof();
  End answer(std::string_view input);
  void answer_ordinary(std::string_view& input);
  End answer_held();
  End send_batch();
  End deliver(const Batch& batch);
  void count_replies(const Batch& batch);
  End on_part_sent(const Batch& batch, std::size_t sent);
  void note_input();
  void hold(std::string_view input);
  // Whether the replies that wait, with those of the batch at hand, are as many as may wait.
  bool is_owed_too_much() const noexcept {
    const auto& batch = worker_.batch();
    return connection_.queued_replies() + batch.replies.size() >= kUnansweredMax ||
           connection_.queued() + batch.text.size() > profile().output.soft.count;
  }
  protocol::Sniffer::Verdict sniff(std::string_view input);
  End refuse_protocol(protocol::WrongProtocol wrong);

  // session_messages.cc: from a message to its reply.
  End fill_batch(std::string_view& input);
  void begin_line(std::string_view half);
  End answer_lines(std::string_view& input);
  End answer_telnet(std::string_view& input);
  End answer_read(std::string_view input);
  End answer_frame(const protocol::Frame& frame);
  End answer_message(std::string_view message);
  End make_valid(std::string_view& message);
  protocol::TelnetFilter::Step filter(std::string_view& input);
  void render(const protocol::Template& text, std::string_view message);
  bool is_quit_word(std::string_view message) const;

  // session_time.cc: deadlines and slow readers.
  struct Deadline {
    Clock::time_point at;
    EndReason reason;
  };
  using Deadlines = std::array<Deadline, 8>;
  // What few sessions have: of those that are slow, that drain, or whose lifetime is limited.
  struct Rare {
    Clock::time_point above_soft_since;
    Clock::time_point lifetime_end;
    Clock::time_point end_at;
    EndReason end_at_reason = EndReason::Drain;
  };
  Rare& rare();
  TimeoutOptions present_timeouts() const noexcept;
  Deadlines deadlines() const noexcept;
  Clock::time_point idle_warning_at() const noexcept;
  Clock::time_point probes_alone_at() const noexcept;
  void leave_to_probes() noexcept;
  void take_from_probes() noexcept;
  End on_deadline();
  void arm();
  void account_output();
  void on_flushed(std::size_t bytes) override;
  void on_reply_flushed(Clock::time_point asked_at, Clock::time_point now) override;

  const ListenerProfile& profile() const noexcept { return *listener_.profile; }
  SessionCounters& counters() noexcept { return listener_.counters; }

  Worker& worker_;
  WorkerListener& listener_;
  admission::Ticket ticket_;  // Before the connection: given back after the socket is closed.
  net::Connection connection_;
  SessionRecord record_;

  protocol::LineFramer framer_;
  std::unique_ptr<protocol::TelnetFilter> telnet_;  // From the first IAC on.
  std::unique_ptr<protocol::Sniffer> sniffer_;      // While the first bytes leave a doubt.
  // Input that waits: unparsed while its client is slow, or (framing: read) half a character.
  std::unique_ptr<std::string> held_;
  std::unique_ptr<Rare> rare_;

  // Each Clock::time_point{} means never.
  Clock::time_point greeted_at_;
  Clock::time_point last_byte_at_;  // While it shakes hands, since when.
  Clock::time_point line_started_at_;
  std::uint32_t accounted_bytes_ = 0;            // Of queued output, as the worker knows it.
  std::uint32_t armed_generation_ = 0;           // Of the profile that the deadline was set by.
  EndReason ending_ = EndReason::InternalError;  // Valid when is_ending_.
  bool has_nearer_deadline_ = false;             // Than the one that is armed.
  bool is_sniffed_ = false;                      // It is no other protocol's client.
  bool is_ending_ = false;
  bool is_aborting_ = false;
  bool is_parting_ = false;
  bool is_backlogged_ = false;      // The client must take replies, or shake hands, before we read.
  bool is_shaking_hands_ = false;   // TLS is not agreed on yet.
  bool has_ended_ = false;          // Its EOF was read.
  bool is_at_line_start_ = true;    // The last byte of our output is LF.
  bool is_warned_ = false;          // Of its idleness.
  bool is_left_to_probes_ = false;  // Of keepalive: it has been silent for a while.
};

}  // namespace chatgate::session
