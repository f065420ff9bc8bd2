#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include <chatgate/base/assert.h>
#include <chatgate/protocol/line_framer.h>

namespace chatgate::protocol {
namespace {

constexpr auto kNone = std::string_view::npos;

bool has_nul(std::string_view text) { return text.find('\0') != kNone; }

bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

bool is_lead(char byte) { return static_cast<unsigned char>(byte) >= 0xC0; }

bool is_backspace(char byte) { return byte == '\b' || byte == '\x7f'; }

void erase_character(std::string& text) {
  if (text.empty()) return;
  std::size_t continuations = 0;
  while (continuations < 3 && continuations < text.size() &&
         is_continuation(text[text.size() - 1 - continuations])) {
    ++continuations;
  }
  // Continuation bytes without a lead byte are garbage: each is a character of its own.
  const bool whole = continuations < text.size() && is_lead(text[text.size() - 1 - continuations]);
  text.resize(text.size() - (whole ? continuations + 1 : 1));
}

}  // namespace

Frame LineFramer::next(std::string_view& input, std::size_t max_message) {
  release_message();
  // Every read ends here, most of them right after a whole line.
  if (input.empty()) return {};
  if (discarding_ && !skip_line(input)) return {};

  const auto end = find_end(input);
  if (end == kNone) return keep_tail(input, max_message);

  auto line = input.substr(0, end);
  input.remove_prefix(end + 1);
  if (size_ > 0 || cr_pending_ || has_nul(line)) [[unlikely]] {
    return end_line(line, max_message);
  }
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.size() > max_message) return {Frame::Kind::Overlong, {}};
  return {Frame::Kind::Message, line};
}

std::optional<std::string_view> LineFramer::finish() {
  release_message();
  // A CR at the very end is half a line end, whose other half the client no longer sent.
  cr_pending_ = false;
  discarding_ = false;
  if (size_ == 0) return std::nullopt;
  return hand_out();
}

void LineFramer::clear_line() {
  drop_tail();
  cr_pending_ = false;
  discarding_ = false;
}

// The position of the byte that ends the line: an LF, or the NUL of a CR NUL where that counts.
std::size_t LineFramer::find_end(std::string_view input) const {
  const auto lf = input.find('\n');
  if (!cr_nul_ends_line_) [[likely]]
    return lf;

  const auto line = input.substr(0, lf);
  for (auto nul = line.find('\0'); nul != kNone; nul = line.find('\0', nul + 1)) {
    const bool after_cr = nul == 0 ? cr_pending_ : line[nul - 1] == '\r';
    if (after_cr) return nul;
  }
  return lf;
}

// Goes on dropping an overlong line; true when its end was in `input`.
bool LineFramer::skip_line(std::string_view& input) {
  const auto end = find_end(input);
  if (end == kNone) {
    cr_pending_ = input.back() == '\r';
    input = {};
    return false;
  }
  input.remove_prefix(end + 1);
  cr_pending_ = false;
  discarding_ = false;
  return true;
}

Frame LineFramer::end_line(std::string_view rest, std::size_t max_message) {
  // What was kept may be too long by now: the limit is that of this call.
  const bool kept = keep(rest, max_message) && size_ <= max_message;
  cr_pending_ = false;
  if (kept) return {Frame::Kind::Message, hand_out()};
  drop_tail();
  return {Frame::Kind::Overlong, {}};
}

Frame LineFramer::keep_tail(std::string_view& input, std::size_t max_message) {
  const auto tail = std::exchange(input, {});
  if (keep(tail, max_message)) return {};
  drop_tail();
  cr_pending_ = tail.back() == '\r';
  discarding_ = true;
  return {Frame::Kind::Overlong, {}};
}

// Adds `bytes`, which hold no line end, to the tail, less what no message holds. False when the
// content passes `max_message`.
bool LineFramer::keep(std::string_view bytes, std::size_t max_message) {
  while (!bytes.empty()) {
    if (std::exchange(cr_pending_, false) && bytes.front() != '\0') {
      if (!put("\r", max_message)) return false;
    }
    auto run = bytes.substr(0, bytes.find('\0'));
    bytes.remove_prefix(run.size());
    if (run.ends_with('\r')) {
      run.remove_suffix(1);
      cr_pending_ = bytes.empty();
    }
    if (!put(run, max_message)) return false;
    if (!bytes.empty()) bytes.remove_prefix(1);
  }
  return true;
}

bool LineFramer::put(std::string_view content, std::size_t max_message) {
  CHATGATE_ASSERT(max_message <= std::numeric_limits<std::uint32_t>::max());
  const auto size = size_ + content.size();
  if (size > max_message) return false;
  if (content.empty()) return true;

  if (size > capacity_) {
    // Doubling keeps a client that sends byte by byte from costing quadratic time.
    const auto capacity = std::max(size, std::min<std::size_t>(2UL * capacity_, max_message));
    std::unique_ptr<char[]> grown{new char[capacity]};
    if (size_ > 0) std::memcpy(grown.get(), tail_.get(), size_);
    tail_ = std::move(grown);
    capacity_ = static_cast<std::uint32_t>(capacity);
  }
  std::memcpy(tail_.get() + size_, content.data(), content.size());
  size_ = static_cast<std::uint32_t>(size);
  return true;
}

std::string_view LineFramer::hand_out() { return {tail_.get(), std::exchange(size_, 0)}; }

void LineFramer::release_message() {
  if (tail_ != nullptr && size_ == 0) drop_tail();
}

void LineFramer::drop_tail() {
  tail_.reset();
  size_ = 0;
  capacity_ = 0;
}

std::string_view edit_line(std::string_view line, std::string& scratch) {
  const auto first = std::find_if(line.begin(), line.end(), is_backspace);
  if (first == line.end()) return line;

  scratch.assign(line.begin(), first);
  for (auto byte = first; byte != line.end(); ++byte) {
    if (is_backspace(*byte)) {
      erase_character(scratch);
    } else {
      scratch.push_back(*byte);
    }
  }
  return scratch;
}

}  // namespace chatgate::protocol
