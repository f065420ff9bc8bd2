#include "fuzz_input.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <chatgate/base/assert.h>
#include <chatgate/protocol/line_framer.h>

namespace {

using chatgate::fuzz::FuzzInput;
using chatgate::protocol::Frame;
using chatgate::protocol::LineFramer;

using Lines = std::vector<std::string>;

// The marks begin with LF, which no message holds.
const std::string kOverlong = "\noverlong";
const std::string kLast = "\nlast";

// The answer that can be seen to be right: the whole stream at hand, one byte at a time.
class Model {
 public:
  Model(std::size_t message_max, bool cr_nul_ends_line)
      : message_max_{message_max}, cr_nul_ends_line_{cr_nul_ends_line} {}

  Lines read(std::string_view stream) {
    for (std::size_t i = 0; i < stream.size(); ++i) {
      const char byte = stream[i];
      const char next = i + 1 < stream.size() ? stream[i + 1] : '\n';
      const bool after_cr = i > 0 && stream[i - 1] == '\r';
      if (byte == '\n' || (byte == '\0' && after_cr && cr_nul_ends_line_)) {
        if (!overlong_) lines_.push_back(line_);
        line_.clear();
        overlong_ = false;
      } else if (byte != '\0' && !(byte == '\r' && (next == '\n' || next == '\0'))) {
        add(byte);
      }
    }
    if (!line_.empty()) lines_.push_back(kLast + line_);
    return lines_;
  }

 private:
  void add(char byte) {
    if (overlong_) return;
    line_ += byte;
    if (line_.size() <= message_max_) return;
    lines_.push_back(kOverlong);
    line_.clear();
    overlong_ = true;
  }

  const std::size_t message_max_;
  const bool cr_nul_ends_line_;
  Lines lines_;
  std::string line_;
  bool overlong_ = false;
};

void read_lines(LineFramer& framer, std::string_view read, std::size_t message_max, Lines& lines) {
  for (;;) {
    const auto before = read.size();
    const auto frame = framer.next(read, message_max);
    CHATGATE_ASSERT(framer.allocated_bytes() <= message_max);
    if (frame.kind == Frame::Kind::NeedMore) break;
    CHATGATE_ASSERT(read.size() < before);
    lines.push_back(frame.kind == Frame::Kind::Overlong ? kOverlong : std::string{frame.message});
  }
  CHATGATE_ASSERT(read.empty());
  CHATGATE_ASSERT(framer.has_partial() || framer.allocated_bytes() == 0);
}

}  // namespace

// Any bytes, in reads of any sizes, give the lines that the model finds in the whole.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput input{data, size};
  const std::size_t message_max = input.take_byte();
  const auto flags = input.take_byte();
  const bool cr_nul_ends_line = (flags & 1) != 0;
  const auto sizes = input.take(flags >> 5);

  LineFramer framer;
  framer.set_cr_nul_ends_line(cr_nul_ends_line);
  Lines lines;
  chatgate::fuzz::for_each_read(input.rest(), sizes, [&](std::string_view read) {
    // A copy of its own size lets the sanitizer see a view that outlives its read.
    const std::vector<char> copy{read.begin(), read.end()};
    read_lines(framer, {copy.data(), copy.size()}, message_max, lines);
  });
  if (const auto last = framer.finish()) lines.push_back(kLast + std::string{*last});

  CHATGATE_ASSERT((lines == Model{message_max, cr_nul_ends_line}.read(input.rest())));
  CHATGATE_ASSERT(!framer.has_partial());
  return 0;
}
