// The telnet filter and the line framer as a session joins them.

#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chatgate/protocol/line_framer.h>
#include <chatgate/protocol/telnet_filter.h>

namespace chatgate::protocol {
namespace {

using namespace std::string_view_literals;
using ::testing::ElementsAre;

constexpr std::size_t kLineMax = 16;

class Conversation {
 public:
  Conversation() = default;

  Conversation(std::string_view bytes, std::size_t split) {
    read(bytes.substr(0, split));
    read(bytes.substr(split));
  }

  void read(std::string_view bytes) {
    while (!bytes.empty()) {
      auto step = filter_.step(bytes, reply);
      framer_.set_cr_nul_ends_line(filter_.character_mode());
      frame(step.data);
      if (step.event == TelnetFilter::Event::ClearLine) framer_.clear_line();
    }
  }

  std::vector<std::string> lines;
  std::string reply;

 private:
  void frame(std::string_view data) {
    for (;;) {
      const auto found = framer_.next(data, kLineMax);
      if (found.kind == Frame::Kind::NeedMore) return;
      std::string scratch;
      lines.emplace_back(found.kind == Frame::Kind::Overlong ? "<overlong>"
                         : filter_.character_mode()          ? edit_line(found.message, scratch)
                                                             : found.message);
    }
  }

  TelnetFilter filter_;
  LineFramer framer_;
};

TEST(TelnetLineTest, KeepsNegotiationOutOfMessagesAtEverySplit) {
  const auto sent =
      "first\xff\xfd\x01 li\xff\xf1ne\r\n"
      "\xff\xfa\x1f\x00\x50\x00\x18\xff\xf0second\xff\xf6\r\xff\xfb\x18\n"
      "dropped\xff\xf4kept \xff\xff!\r\n"sv;
  for (std::size_t split = 0; split <= sent.size(); ++split) {
    const Conversation conversation{sent, split};
    EXPECT_THAT(conversation.lines, ElementsAre("first line", "second", "kept \xff!")) << split;
    EXPECT_EQ(conversation.reply, "\xff\xfc\x01[yes]\r\n\xff\xfd\x18"sv) << split;
  }
}

TEST(TelnetLineTest, CountsNoNegotiationTowardsTheGreatestMessage) {
  std::string sent;
  for (std::size_t i = 0; i < kLineMax; ++i) sent += "x\xff\xf1\xff\xfd\x01";
  sent += "\r\n";
  Conversation conversation;
  conversation.read(sent);
  EXPECT_THAT(conversation.lines, ElementsAre(std::string(kLineMax, 'x')));
}

TEST(TelnetLineTest, TakesWhatAPersonTypesInCharacterMode) {
  const auto sent = "\xff\xfd\x03helk\x7flo\r\0b\b\bye\r\nx\xff\xf7ok\r\0"sv;
  for (std::size_t split = 0; split <= sent.size(); ++split) {
    const Conversation conversation{sent, split};
    EXPECT_THAT(conversation.lines, ElementsAre("hello", "ye", "ok")) << split;
  }
}

TEST(TelnetLineTest, EditsNothingInLineMode) {
  Conversation conversation;
  conversation.read("\xff\xf1he\bl\r\0lo\r\n"sv);
  EXPECT_THAT(conversation.lines, ElementsAre("he\bllo"));
}

TEST(TelnetLineTest, BeginsAnewWhenAnOverlongLineIsInterrupted) {
  Conversation conversation;
  conversation.read(std::string(kLineMax + 1, 'x') + "\xff\xf4hello\r\n");
  EXPECT_THAT(conversation.lines, ElementsAre("<overlong>", "hello"));
}

}  // namespace
}  // namespace chatgate::protocol
