#include <cstdint>
#include <string>
#include <string_view>

#include <chatgate/base/assert.h>
#include <chatgate/protocol/terminal.h>
#include <chatgate/protocol/utf8.h>

namespace {

using namespace chatgate::protocol;

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

std::string encode(std::uint32_t c) {
  std::string bytes;
  const auto put = [&bytes](std::uint32_t byte) { bytes += static_cast<char>(byte); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | c >> 6);
    put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | c >> 12);
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | c >> 18);
    put(0x80 | (c >> 12 & 0x3F));
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  }
  return bytes;
}

// The decoder of the WHATWG's Encoding standard, section 8.1.1, as it is written there.
class Decoder {
 public:
  std::string decode(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
      if (take(static_cast<std::uint8_t>(text[i]))) ++i;
    }
    if (needed_ != 0) out_ += kReplacement;
    return out_;
  }

  bool failed() const { return failed_; }
  bool unfinished() const { return needed_ != 0; }

 private:
  // False when the byte is to be taken again.
  bool take(std::uint8_t byte) {
    if (needed_ == 0) {
      begin(byte);
      return true;
    }
    const bool continues = byte >= lower_ && byte <= upper_;
    lower_ = 0x80;
    upper_ = 0xBF;
    if (!continues) {
      needed_ = 0;
      fail();
      return false;
    }
    code_point_ = code_point_ << 6 | (byte & 0x3FU);
    if (--needed_ == 0) out_ += encode(code_point_);
    return true;
  }

  void begin(std::uint8_t byte) {
    if (byte <= 0x7F) {
      out_ += static_cast<char>(byte);
    } else if (byte >= 0xC2 && byte <= 0xDF) {
      expect(1, byte & 0x1FU);
    } else if (byte >= 0xE0 && byte <= 0xEF) {
      if (byte == 0xE0) lower_ = 0xA0;
      if (byte == 0xED) upper_ = 0x9F;
      expect(2, byte & 0xFU);
    } else if (byte >= 0xF0 && byte <= 0xF4) {
      if (byte == 0xF0) lower_ = 0x90;
      if (byte == 0xF4) upper_ = 0x8F;
      expect(3, byte & 0x7U);
    } else {
      fail();
    }
  }

  void expect(int needed, std::uint32_t bits) {
    needed_ = needed;
    code_point_ = bits;
  }

  void fail() {
    failed_ = true;
    out_ += kReplacement;
  }

  std::string out_;
  std::uint32_t code_point_ = 0;
  int needed_ = 0;
  std::uint8_t lower_ = 0x80;
  std::uint8_t upper_ = 0xBF;
  bool failed_ = false;
};

// Reading in two parts, with the unfinished character carried over, changes nothing.
void check_split(std::string_view text, std::size_t split, std::string_view expected) {
  const auto first = text.substr(0, split);
  const auto carried = incomplete_suffix(first);
  CHATGATE_ASSERT(carried <= 3 && carried <= first.size());
  std::string scratch;
  std::string joined{replace_invalid(first.substr(0, first.size() - carried), scratch)};
  joined += replace_invalid(text.substr(split - carried), scratch);
  CHATGATE_ASSERT(joined == expected);
}

}  // namespace

// Any bytes decode as the reference decodes them, in one piece or in two; and none of them stays
// dangerous to a terminal.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  Decoder reference;
  const auto expected = reference.decode(text);

  std::string scratch;
  CHATGATE_ASSERT(replace_invalid(text, scratch) == expected);
  CHATGATE_ASSERT(is_valid_utf8(text) == (!reference.failed() && !reference.unfinished()));
  CHATGATE_ASSERT((incomplete_suffix(text) > 0) == reference.unfinished());
  if (size > 0) check_split(text, data[0] % (size + 1), expected);

  std::string safe;
  append_terminal_safe(text, safe);
  CHATGATE_ASSERT(is_valid_utf8(safe));
  CHATGATE_ASSERT(safe.size() <= 3 * text.size());
  for (const char byte : safe) {
    CHATGATE_ASSERT(static_cast<std::uint8_t>(byte) >= 0x20 || byte == '\t');
  }
  std::string again;
  append_terminal_safe(safe, again);
  CHATGATE_ASSERT(again == safe);
  return 0;
}
