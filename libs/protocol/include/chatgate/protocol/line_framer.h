#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace chatgate::protocol {

/// What LineFramer::next() found.
struct Frame {
  enum class Kind : std::uint8_t {
    Message,   // `message` is one line.
    NeedMore,  // The input is used up.
    Overlong,  // A line passed the greatest length; said once, the rest of the line is dropped.
  };

  Kind kind = Kind::NeedMore;
  std::string_view message;
};

/// Cuts a stream of bytes into lines, however the stream was cut into reads.
///
/// A line ends at LF. A CR right before LF or NUL is dropped, and so is each NUL: a message holds
/// neither line end nor NUL, but may hold a CR. What ends where depends on the bytes alone, never
/// on where a read ended.
///
/// Threads: confined to its session.
/// Lifetime: a message is valid until the next call of any member, and while the input it was cut
///   from is: most messages are views into the input.
/// Cost: two memchr a line. Copies an unfinished line, and a line that held a NUL, into memory that
///   is freed with the call after the message; so an idle session holds none.
class LineFramer {
 public:
  LineFramer() = default;
  LineFramer(const LineFramer&) = delete;
  LineFramer& operator=(const LineFramer&) = delete;

  /// Takes one line off the front of `input`; call it until it needs more, when an unfinished line
  /// is kept and `input` is empty. `max_message` counts the bytes of the message, not its line end;
  /// it must be below 4 GiB and may change between calls.
  Frame next(std::string_view& input, std::size_t max_message);

  /// The last line, which the end of the stream ends instead of an LF; nullopt if it is empty or
  /// was overlong. The framer is then as new, but for set_cr_nul_ends_line().
  std::optional<std::string_view> finish();

  /// Forgets the unfinished line, an overlong one too: the next byte begins a new line. This is
  /// what telnet's IP, BRK and EL mean.
  void clear_line();

  /// Telnet's character mode sends Enter as CR NUL: `true` makes CR NUL end a line, as LF does.
  void set_cr_nul_ends_line(bool ends_line) { cr_nul_ends_line_ = ends_line; }

  /// A line has begun and not ended, be it kept or dropped as overlong.
  bool has_partial() const { return size_ > 0 || cr_pending_ || discarding_; }

  /// What comes next begins a line, which an LF alone ends.
  bool is_fresh() const { return !has_partial() && !cr_nul_ends_line_; }

  /// Heap bytes held now: 0 between lines, at most the greatest message.
  std::size_t allocated_bytes() const { return capacity_; }

 private:
  std::size_t find_end(std::string_view input) const;
  bool skip_line(std::string_view& input);
  Frame end_line(std::string_view rest, std::size_t max_message);
  Frame keep_tail(std::string_view& input, std::size_t max_message);
  bool keep(std::string_view bytes, std::size_t max_message);
  bool put(std::string_view content, std::size_t max_message);
  std::string_view hand_out();
  void release_message();
  void drop_tail();

  std::unique_ptr<char[]> tail_;  // Null between lines; with size_ 0 it holds a message handed out.
  std::uint32_t size_ = 0;
  std::uint32_t capacity_ = 0;
  bool cr_pending_ = false;  // The last byte was a CR, which belongs to the line or to its end.
  bool discarding_ = false;
  bool cr_nul_ends_line_ = false;
};
static_assert(sizeof(LineFramer) <= 24, "every idle session holds one");

/// Applies each backspace (0x08, 0x7f) of `line`: it takes away the character before it, which may
/// be several bytes of UTF-8, or nothing at the start. Returns `line` itself if there is none, else
/// a view of `scratch`. For telnet's character mode alone: elsewhere the client's terminal edits.
std::string_view edit_line(std::string_view line, std::string& scratch);

}  // namespace chatgate::protocol
