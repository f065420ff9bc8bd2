#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <chatgate/session/options.h>

namespace chatgate::fuzz {

/// What a session that is not negotiating telnet answers, and why it ends, as the documentation has
/// it: byte by byte, everything kept, nothing fast. It shares no code with the session but the
/// plain structs of its options.
///
/// A client is assumed to take what it is sent. Time passes in ticks of the timer wheel.
class SessionModel {
 public:
  static constexpr std::chrono::milliseconds kTick{100};

  struct Listener {
    std::string name;
    std::uint64_t session_id = 0;
    session::TimeoutOptions timeouts;
    std::string idle_warning;
  };

  /// Greets.
  SessionModel(Listener listener, session::ServiceOptions service);

  /// The service that holds from the next message on.
  void reload(session::ServiceOptions service) { service_ = std::move(service); }

  /// Bytes that were all there when the session began to read.
  void receive(std::string_view bytes);
  /// The client ended its side.
  void end_input();
  /// A line on the gateway's own behalf.
  void say(std::string_view line);
  /// The gateway ends the session.
  void end(std::string_view reason);
  void tick();

  /// Everything that was sent.
  const std::string& output() const { return output_; }
  /// The token of the end reason, once it has ended.
  const std::optional<std::string>& reason() const { return reason_; }
  std::uint64_t messages() const { return messages_; }
  bool has_unfinished_line() const { return !line_.empty() || !half_.empty(); }

 private:
  using Ticks = std::int64_t;

  bool has_ended() const { return reason_.has_value(); }
  bool sniff(std::string_view read);
  void receive_lines(std::string_view read);
  void receive_message(std::string_view read);
  void take(char byte);
  void add(char byte);
  void end_line();
  void say_overlong();
  void answer(std::string message);
  std::string expand(std::string_view text, std::string_view message) const;
  bool is_due(std::optional<Ticks> since, std::chrono::nanoseconds limit) const;

  const Listener listener_;
  session::ServiceOptions service_;

  std::string first_bytes_;
  std::string line_;          // The unfinished line, without CR and NUL.
  bool has_cr_ = false;       // A CR was the last byte.
  bool is_overlong_ = false;  // The rest of the line is dropped.
  std::string half_;          // framing: read: the unfinished character.

  std::string output_;
  std::uint64_t messages_ = 0;
  std::optional<std::string> reason_;

  Ticks now_ = 0;
  Ticks last_byte_at_ = 0;
  std::optional<Ticks> line_began_at_;
  bool is_warned_ = false;
};

}  // namespace chatgate::fuzz
