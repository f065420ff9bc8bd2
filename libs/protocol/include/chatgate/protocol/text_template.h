#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <chatgate/base/assert.h>
#include <chatgate/base/expected.h>
#include <chatgate/base/text_buffer.h>

namespace chatgate::protocol {

/// What a template may say besides its own text.
enum class Placeholder : std::uint8_t {
  Message,
  Peer,         // The client's address.
  Listener,     // The listener's name.
  Session,      // The session's number.
  Time,         // Now, RFC 3339 in UTC: 2026-01-02T03:04:05Z.
  Count,        // The message's number in its session, from 1.
  Connections,  // How many are open.
  Subject,      // Whom the client's certificate names; empty without one.
};

/// The greatest sizes of the texts that size_max() counts on. A Unix socket's path is the longest
/// peer.
inline constexpr std::size_t kPeerBytesMax = 128;
inline constexpr std::size_t kListenerBytesMax = 32;
inline constexpr std::size_t kSubjectBytesMax = 512;

/// The values of one rendering; those that the template does not use may stay as they are.
struct TemplateValues {
  std::string_view message;
  std::string_view peer;
  std::string_view listener;
  std::string_view subject;
  std::uint64_t session = 0;
  std::uint64_t count = 0;
  std::uint64_t connections = 0;
  std::chrono::system_clock::time_point time;
};

/// Why a text is no template.
struct TemplateError {
  std::size_t offset = 0;  // Of the bad part, in bytes.
  std::string message;     // For the operator who wrote it.
};

/// A text with placeholders such as `{message}`; `{{` and `}}` stand for braces.
///
/// Threads: immutable once parsed; any thread may render.
/// Cost: parsed once. Rendering allocates nothing but what `out` needs to grow; a text without
///   placeholders, or with `{message}` alone, costs one to three appends.
class Template {
 public:
  /// Renders nothing.
  Template() = default;

  static base::Expected<Template, TemplateError> parse(std::string_view text);

  /// Appends the text with `values` in it. Requires that those used are within the sizes above.
  void render(const TemplateValues& values, std::string& out) const;

  /// The same for a template that uses_message_alone().
  void render(std::string_view message, base::TextBuffer& out) const;
  bool uses_message_alone() const noexcept { return uses_message_alone_; }

  /// False lets the caller skip a value that costs something to find out.
  bool uses(Placeholder placeholder) const;

  /// No rendering is longer, if its message is at most `message_bytes_max`.
  std::size_t size_max(std::size_t message_bytes_max) const;

  /// The text has no placeholder: literal() is what render() would append, for as long as this
  /// lives.
  bool is_literal() const { return parts_.empty(); }
  std::string_view literal() const { return text_; }

 private:
  // A placeholder, and where the text that comes before it ends in text_.
  struct Part {
    std::size_t text_end;
    Placeholder placeholder;
  };

  std::string text_;  // All literal text, braces undone.
  std::vector<Part> parts_;
  std::uint8_t used_ = 0;           // A bit for each Placeholder.
  bool uses_message_alone_ = true;  // Or nothing.
};

// Inline, because each message passes it.
inline void Template::render(std::string_view message, base::TextBuffer& out) const {
  CHATGATE_ASSERT(uses_message_alone_);
  char* at = out.extend(text_.size() + parts_.size() * message.size());
  const auto put = [&at](const char* text, std::size_t size) {
    if (size == 0) return;  // Nothing may have no address, which memcpy(3) must not be given.
    // Not std::memcpy, of which _FORTIFY_SOURCE makes a function: 17 instructions more a message.
    __builtin_memcpy(at, text, size);
    at += size;
  };
  std::size_t begin = 0;
  for (const auto& part : parts_) {
    put(text_.data() + begin, part.text_end - begin);
    put(message.data(), message.size());
    begin = part.text_end;
  }
  put(text_.data() + begin, text_.size() - begin);
}

}  // namespace chatgate::protocol
