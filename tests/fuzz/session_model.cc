#include "session_model.h"

#include <algorithm>
#include <array>
#include <utility>

#include <chatgate/protocol/sniffer.h>

namespace chatgate::fuzz {
namespace {

using namespace std::string_view_literals;
using session::Framing;
using session::OnOverlong;
using session::Utf8;

constexpr std::size_t kReadBytes = 16 * 1024;
constexpr std::size_t kSniffedBytes = 16;
constexpr std::chrono::seconds kWarningLead{30};

bool is_within(char byte, unsigned low, unsigned high) {
  const auto value = static_cast<unsigned char>(byte);
  return value >= low && value <= high;
}

// The character at the front of `text` (RFC 3629, 4): how many bytes it needs, 0 if it cannot begin
// so; and how many of these are there and right.
struct Character {
  std::size_t needed = 0;
  std::size_t right = 0;
  bool is_whole() const { return needed > 0 && right == needed; }
};

Character character_at(std::string_view text) {
  struct Form {
    unsigned first_low, first_high, second_low, second_high;
    std::size_t size;
  };
  static constexpr std::array kForms{
      Form{0x00, 0x7f, 0x00, 0x00, 1}, Form{0xc2, 0xdf, 0x80, 0xbf, 2},
      Form{0xe0, 0xe0, 0xa0, 0xbf, 3}, Form{0xe1, 0xec, 0x80, 0xbf, 3},
      Form{0xed, 0xed, 0x80, 0x9f, 3}, Form{0xee, 0xef, 0x80, 0xbf, 3},
      Form{0xf0, 0xf0, 0x90, 0xbf, 4}, Form{0xf1, 0xf3, 0x80, 0xbf, 4},
      Form{0xf4, 0xf4, 0x80, 0x8f, 4}};
  for (const auto& form : kForms) {
    if (!is_within(text[0], form.first_low, form.first_high)) continue;
    std::size_t right = 1;
    if (form.size > 1 && text.size() > 1 && is_within(text[1], form.second_low, form.second_high)) {
      ++right;
      while (right < form.size && right < text.size() && is_within(text[right], 0x80, 0xbf)) {
        ++right;
      }
    }
    return {form.size, right};
  }
  return {};
}

// U+FFFD in place of each maximal part that is no character. `valid` tells whether there was none.
std::string repair(std::string_view text, bool& valid) {
  std::string repaired;
  valid = true;
  while (!text.empty()) {
    const auto character = character_at(text);
    const auto size = std::max<std::size_t>(character.right, 1);
    repaired += character.is_whole() ? text.substr(0, size) : "\xef\xbf\xbd"sv;
    valid = valid && character.is_whole();
    text.remove_prefix(size);
  }
  return repaired;
}

// The bytes at the end of `text` that more bytes may make a character.
std::size_t unfinished_character(std::string_view text) {
  for (std::size_t size = std::min<std::size_t>(3, text.size()); size > 0; --size) {
    const auto character = character_at(text.substr(text.size() - size));
    if (character.right == size && character.needed > size) return size;
  }
  return 0;
}

bool equals_in_any_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) {
    return is_within(c, 'A', 'Z') ? static_cast<char>(c | 0x20) : c;
  };
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [&](char x, char y) { return lower(x) == lower(y); });
}

bool is_http(std::string_view bytes) {
  if (bytes.starts_with("OPTIONS *") || bytes.starts_with("PRI *")) return true;
  for (const auto method : {"GET "sv, "HEAD "sv, "POST "sv, "PUT "sv, "DELETE "sv, "PATCH "sv,
                            "TRACE "sv, "OPTIONS "sv}) {
    if (!bytes.starts_with(method)) continue;
    const auto target = bytes.substr(method.size());
    return target.starts_with("/") || target.starts_with("http");
  }
  if (!bytes.starts_with("CONNECT ")) return false;
  auto authority = bytes.substr("CONNECT "sv.size());
  const auto host = authority.find_first_not_of(
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-");
  if (host == 0 || host == std::string_view::npos || authority[host] != ':') return false;
  authority.remove_prefix(host + 1);
  return !authority.empty() && is_within(authority[0], '0', '9');
}

bool is_proxy(std::string_view bytes) {
  return bytes.starts_with("PROXY TCP4 ") || bytes.starts_with("PROXY TCP6 ") ||
         bytes.starts_with("PROXY UNKNOWN") || bytes.starts_with("\r\n\r\n\0\r\nQUIT\n"sv);
}

bool is_tls(std::string_view bytes) {
  return bytes.size() >= 3 && bytes.starts_with("\x16\x03") && is_within(bytes[2], 0, 4);
}

}  // namespace

SessionModel::SessionModel(Listener listener, session::ServiceOptions service)
    : listener_{std::move(listener)}, service_{std::move(service)} {
  output_ += expand(service_.greeting, {});
}

void SessionModel::receive(std::string_view bytes) {
  while (!bytes.empty() && !has_ended()) {
    const auto room =
        service_.framing == Framing::Line ? kReadBytes : service_.max_message.count - half_.size();
    const auto read = bytes.substr(0, room);
    bytes.remove_prefix(read.size());
    if (sniff(read)) return;
    if (service_.framing == Framing::Line) {
      receive_lines(read);
    } else {
      receive_message(read);
    }
  }
  last_byte_at_ = now_;
  is_warned_ = false;
  const bool has_begun = !line_.empty() || has_cr_ || is_overlong_;
  if (!has_begun) line_began_at_.reset();
  if (has_begun && !line_began_at_) line_began_at_ = now_;
}

// Whether the first bytes showed another protocol, which ends the session.
bool SessionModel::sniff(std::string_view read) {
  if (first_bytes_.size() == kSniffedBytes) return false;
  first_bytes_ += read.substr(0, kSniffedBytes - first_bytes_.size());
  if (is_tls(first_bytes_)) {
    output_ += protocol::kTlsAlert;
    reason_ = "wrong_protocol_tls";
  } else if (is_http(first_bytes_)) {
    output_ += protocol::kHttpAnswer;
    reason_ = "wrong_protocol_http";
  } else if (first_bytes_.starts_with("SSH-")) {
    reason_ = "wrong_protocol_ssh";
  } else if (is_proxy(first_bytes_)) {
    reason_ = "wrong_protocol_proxy";
  }
  return has_ended();
}

void SessionModel::receive_lines(std::string_view read) {
  // What was begun as another framing's message begins the line.
  for (const char byte : std::exchange(half_, {})) take(byte);
  for (const char byte : read) {
    if (has_ended()) return;
    take(byte);
  }
}

void SessionModel::take(char byte) {
  // A reload may have made the limit smaller than what is here.
  if (line_.size() > service_.max_message.count) say_overlong();
  const bool after_cr = std::exchange(has_cr_, byte == '\r');
  if (has_ended() || byte == '\r') {
    if (after_cr) add('\r');
    return;
  }
  if (byte == '\n') return end_line();
  if (byte == '\0') return;
  if (after_cr) add('\r');
  add(byte);
}

void SessionModel::add(char byte) {
  if (is_overlong_ || has_ended()) return;
  line_ += byte;
  if (line_.size() > service_.max_message.count) say_overlong();
}

void SessionModel::say_overlong() {
  output_ += "500 line too long\n";
  line_.clear();
  is_overlong_ = true;
  if (service_.on_overlong == OnOverlong::Close) reason_ = "line_too_long";
}

void SessionModel::end_line() {
  const auto line = std::exchange(line_, {});
  line_began_at_.reset();
  if (!std::exchange(is_overlong_, false)) answer(line);
}

void SessionModel::receive_message(std::string_view read) {
  // What was begun as a line ends here.
  has_cr_ = is_overlong_ = false;
  if (const auto line = std::exchange(line_, {}); !line.empty()) answer(line);
  if (has_ended()) return;
  auto message = std::exchange(half_, {}) + std::string{read};
  if (service_.utf8 != Utf8::Pass) {
    const auto half = unfinished_character(message);
    half_ = message.substr(message.size() - half);
    message.resize(message.size() - half);
  }
  if (!message.empty()) answer(message);
}

void SessionModel::end_input() {
  if (has_ended()) return;
  const auto last = line_ + half_;
  if (!last.empty()) answer(last);
  if (!has_ended()) reason_ = "client_eof";
}

void SessionModel::answer(std::string message) {
  ++messages_;
  line_began_at_.reset();
  bool valid = true;
  const auto repaired = repair(message, valid);
  if (service_.utf8 == Utf8::Reject && !valid) {
    output_ += "500 invalid UTF-8\n";
    reason_ = "invalid_utf8";
    return;
  }
  if (service_.utf8 == Utf8::Replace) message = repaired;
  for (const auto& word : service_.quit_words) {
    if (!equals_in_any_case(word, message)) continue;
    output_ += expand(service_.farewell, message);
    reason_ = "quit";
    return;
  }
  output_ += expand(service_.reply, message);
  const auto most = service_.messages_per_session;
  if (most != 0 && messages_ >= most) reason_ = "session_done";
}

std::string SessionModel::expand(std::string_view text, std::string_view message) const {
  std::string expanded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto rest = text.substr(i);
    if (rest.starts_with("{{") || rest.starts_with("}}")) {
      expanded += text[i++];
    } else if (text[i] != '{') {
      expanded += text[i];
    } else {
      const auto name = rest.substr(1, rest.find('}') - 1);
      if (name == "message") expanded += message;
      if (name == "listener") expanded += listener_.name;
      if (name == "session") expanded += std::to_string(listener_.session_id);
      if (name == "count") expanded += std::to_string(messages_);
      if (name == "connections") expanded += '1';
      i += name.size() + 1;
    }
  }
  return expanded;
}

void SessionModel::say(std::string_view line) {
  if (has_ended() || line.empty()) return;
  if (!output_.empty() && output_.back() != '\n') output_ += '\n';
  output_ += line;
}

void SessionModel::end(std::string_view reason) {
  if (!has_ended()) reason_ = reason;
}

bool SessionModel::is_due(std::optional<Ticks> since, std::chrono::nanoseconds limit) const {
  return since && limit.count() > 0 && (now_ - *since) * kTick >= limit;
}

void SessionModel::tick() {
  ++now_;
  if (has_ended()) return;
  const auto& timeouts = listener_.timeouts;
  if (is_due(line_began_at_, timeouts.line)) return end("line_timeout");
  if (messages_ == 0 && is_due(0, timeouts.first_message)) return end("first_message_timeout");
  if (is_due(last_byte_at_, timeouts.idle)) return end("idle_timeout");
  const bool warns = !is_warned_ && timeouts.idle > kWarningLead;
  if (warns && is_due(last_byte_at_, timeouts.idle - kWarningLead)) {
    is_warned_ = true;
    say(listener_.idle_warning);
  }
}

}  // namespace chatgate::fuzz
