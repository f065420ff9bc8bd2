#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace chatgate::protocol {

/// The byte that begins every telnet command. A session needs no TelnetFilter before its first one.
inline constexpr char kTelnetIac = '\xff';

/// How much negotiation a session may ask for. Beyond it lies abuse, not a terminal.
inline constexpr std::size_t kTelnetOptionChangesMax = 64;
inline constexpr std::size_t kTelnetSubnegotiationBytesMax = 1024;

/// Takes telnet's commands (RFC 854, RFC 855) out of a stream of bytes and answers them, however
/// the stream was cut into reads.
///
/// Passive: asks for nothing, so that a client that is no telnet never reads a command. By the Q
/// method (RFC 1143) such a side knows only the states NO and YES of an option, and answers only
/// what changes one. Accepts SGA, BINARY and CHARSET (RFC 2066) on both sides, NAWS and TTYPE from
/// the client; refuses any other option once, and only TIMING-MARK, which telnet clients wait for
/// after an interrupt, each time (RFC 860). Ignores the commands that it does not know.
///
/// Threads: confined to its session.
/// Cost: one memchr a run of data; data are views into the input. About 130 bytes a telnet session.
class TelnetFilter {
 public:
  enum class Event : std::uint8_t {
    None,
    ClearLine,   // The client sent IP, BRK or EL.
    AbuseLimit,  // It negotiated more than the limits above: end the session, nothing else follows.
  };

  /// Data or an event, never both, in the order of the stream.
  struct Step {
    std::string_view data;
    Event event = Event::None;
  };

  /// Takes commands off the front of `input` up to the next data or event, and appends the answers
  /// to `reply`, at most 4 bytes for each byte of the stream; call it until `input` is empty.
  /// character_mode() and binary() then hold for the data of this step. The data are valid as long
  /// as the input is.
  Step step(std::string_view& input, std::string& reply);

  /// The client had us suppress go-ahead: it sends each key at once, edits nothing itself and may
  /// send Enter as CR NUL. EC then reads as a backspace; a client that edits itself has no use for
  /// it.
  bool character_mode() const;

  /// The client sends BINARY (RFC 856).
  bool binary() const;

 private:
  enum class State : std::uint8_t {
    Data,
    Command,               // After IAC.
    Option,                // After IAC WILL, WONT, DO or DONT.
    SubnegotiationOption,  // After IAC SB.
    Subnegotiation,
    SubnegotiationCommand,  // After IAC within a subnegotiation.
    Abused,
  };

  Step data_at(std::string_view& input, std::size_t known);
  Step take(std::uint8_t byte, std::string& reply);
  Step command(std::uint8_t byte, std::string& reply);
  Step negotiate(std::uint8_t option, std::string& reply);
  Step subnegotiate(std::uint8_t byte);
  Step abuse();
  void end_subnegotiation(std::string& reply);

  // The options that are on, ours and the client's: all that we accept are below 64.
  std::uint64_t ours_ = 0;
  std::uint64_t theirs_ = 0;
  std::bitset<256> ours_refused_;
  std::bitset<256> theirs_refused_;
  std::string charset_request_;  // What came so far of a CHARSET subnegotiation; empty outside it.
  std::uint16_t option_changes_ = 0;
  std::uint16_t subnegotiation_bytes_ = 0;
  std::uint8_t verb_ = 0;     // WILL, WONT, DO or DONT, in State::Option.
  std::uint8_t subject_ = 0;  // The option of the subnegotiation.
  State state_ = State::Data;
};

}  // namespace chatgate::protocol
