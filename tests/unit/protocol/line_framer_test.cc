#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chatgate/protocol/line_framer.h>

namespace chatgate::protocol {
namespace {

using namespace std::string_view_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Lines = std::vector<std::string>;

constexpr std::size_t kMessageMax = 8;
constexpr auto kOverlong = "<overlong>";

// Everything that `framer` says about one read.
void feed(LineFramer& framer, std::string_view read, Lines& lines,
          std::size_t message_max = kMessageMax) {
  for (;;) {
    const auto frame = framer.next(read, message_max);
    if (frame.kind == Frame::Kind::NeedMore) break;
    lines.push_back(frame.kind == Frame::Kind::Overlong ? kOverlong : std::string{frame.message});
  }
  EXPECT_TRUE(read.empty());
}

Lines feed(LineFramer& framer, std::string_view read) {
  Lines lines;
  feed(framer, read, lines);
  return lines;
}

void finish(LineFramer& framer, Lines& lines) {
  if (const auto last = framer.finish()) lines.push_back("last:" + std::string{*last});
}

struct Stream {
  const char* name;
  std::string_view bytes;
  Lines lines;
};

void PrintTo(const Stream& stream, std::ostream* out) { *out << stream.name; }

class FramedStreamTest : public ::testing::TestWithParam<Stream> {};

TEST_P(FramedStreamTest, GivesItsLinesInOneRead) {
  LineFramer framer;
  Lines lines;
  feed(framer, GetParam().bytes, lines);
  finish(framer, lines);
  EXPECT_EQ(lines, GetParam().lines);
}

TEST_P(FramedStreamTest, GivesTheSameLinesByteByByte) {
  LineFramer framer;
  Lines lines;
  for (const char byte : GetParam().bytes) feed(framer, {&byte, 1}, lines);
  finish(framer, lines);
  EXPECT_EQ(lines, GetParam().lines);
}

TEST_P(FramedStreamTest, GivesTheSameLinesInAnyThreeReads) {
  const auto bytes = GetParam().bytes;
  for (std::size_t first = 0; first <= bytes.size(); ++first) {
    for (std::size_t second = first; second <= bytes.size(); ++second) {
      LineFramer framer;
      Lines lines;
      feed(framer, bytes.substr(0, first), lines);
      feed(framer, bytes.substr(first, second - first), lines);
      feed(framer, bytes.substr(second), lines);
      finish(framer, lines);
      ASSERT_EQ(lines, GetParam().lines) << "split at " << first << " and " << second;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    AllStreams, FramedStreamTest,
    ::testing::Values(
        Stream{"Nothing", "", {}},
        Stream{"TwoLinesAndAPartialOne", "a\nbc\nd", {"a", "bc", "last:d"}},
        Stream{"EmptyLines", "\n\r\n\n", {"", "", ""}},
        Stream{"CrLf", "Ho\r\nhi\r\n", {"Ho", "hi"}},
        Stream{"OnlyTheLastOfTwoCr", "a\r\r\n", {"a\r"}},
        Stream{"CrWithinALine", "a\rb\r\n", {"a\rb"}}, Stream{"CrNul", "a\r\0b\r\0\n"sv, {"ab"}},
        Stream{"CrNulAfterCr", "a\r\r\0\n"sv, {"a\r"}}, Stream{"Nul", "\0a\0\0b\0\n\0"sv, {"ab"}},
        Stream{"NulBeforeCrLf", "a\0\r\n"sv, {"a"}},
        Stream{"NulBetweenCrAndLf", "a\r\0\n"sv, {"a"}}, Stream{"CrAtTheEnd", "a\r", {"last:a"}},
        Stream{"OnlyCrAtTheEnd", "\r", {}}, Stream{"GreatestLine", "12345678\n", {"12345678"}},
        Stream{"GreatestLineWithCr", "12345678\r\nab\n", {"12345678", "ab"}},
        Stream{"GreatestLineAtTheEnd", "12345678\r", {"last:12345678"}},
        Stream{"GreatestLineWithNul", "1234\0005678\0\0\r\n"sv, {"12345678"}},
        Stream{"OneByteTooLong", "123456789\nab\n", {kOverlong, "ab"}},
        Stream{"OneCrTooLong", "12345678\r\r\nab\n", {kOverlong, "ab"}},
        Stream{"CrInTheLineIsContent", "12345678\rx\nab\n", {kOverlong, "ab"}},
        Stream{"OverlongIsSaidOnce", "1234567890123456789012345\r\nab\n", {kOverlong, "ab"}},
        Stream{"OverlongWithoutEnd", "123456789abc", {kOverlong}},
        Stream{"TwoOverlong", "123456789\n123456789\n", {kOverlong, kOverlong}},
        Stream{"HighBytes", "\xff\xfe\n\x80", {"\xff\xfe", "last:\x80"}}),
    [](const auto& instance) { return instance.param.name; });

TEST(LineFramerTest, HandsOutViewsIntoTheInput) {
  LineFramer framer;
  const std::string read = "one\r\ntwo\n";
  std::string_view input = read;
  EXPECT_EQ(framer.next(input, kMessageMax).message.data(), read.data());
  EXPECT_EQ(framer.next(input, kMessageMax).message.data(), read.data() + 5);
  EXPECT_EQ(framer.allocated_bytes(), 0U);
}

TEST(LineFramerTest, HoldsNoMemoryBetweenLines) {
  LineFramer framer;
  feed(framer, "par");
  EXPECT_EQ(framer.allocated_bytes(), 3U);
  EXPECT_THAT(feed(framer, "tial\n"), ElementsAre("partial"));
  EXPECT_EQ(framer.allocated_bytes(), 0U);
}

TEST(LineFramerTest, HoldsNoMoreThanTheGreatestMessage) {
  LineFramer framer;
  Lines lines;
  for (std::size_t i = 0; i < 100; ++i) {
    feed(framer, "x", lines, 100);
    EXPECT_LE(framer.allocated_bytes(), 100U);
  }
  EXPECT_EQ(framer.allocated_bytes(), 100U);
  feed(framer, "x", lines, 100);
  EXPECT_THAT(lines, ElementsAre(kOverlong));
  feed(framer, std::string(1000, 'x'), lines, 100);
  EXPECT_THAT(lines, ElementsAre(kOverlong));
  EXPECT_EQ(framer.allocated_bytes(), 0U);
}

TEST(LineFramerTest, StoresNothingOfALineThatIsOverlongAtOnce) {
  LineFramer framer;
  EXPECT_THAT(feed(framer, std::string(1 << 16, 'x')), ElementsAre(kOverlong));
  EXPECT_EQ(framer.allocated_bytes(), 0U);
}

TEST(LineFramerTest, KnowsWhetherALineHasBegun) {
  LineFramer framer;
  EXPECT_FALSE(framer.has_partial());
  feed(framer, "\r");
  EXPECT_TRUE(framer.has_partial());
  feed(framer, "\na");
  EXPECT_TRUE(framer.has_partial());
  feed(framer, "\n");
  EXPECT_FALSE(framer.has_partial());
  feed(framer, "123456789");
  EXPECT_TRUE(framer.has_partial());
  feed(framer, "\n");
  EXPECT_FALSE(framer.has_partial());
}

TEST(LineFramerTest, FinishesOnce) {
  LineFramer framer;
  feed(framer, "a");
  EXPECT_EQ(framer.finish(), "a");
  EXPECT_FALSE(framer.finish().has_value());
  EXPECT_FALSE(framer.has_partial());
  EXPECT_EQ(framer.allocated_bytes(), 0U);
}

TEST(LineFramerTest, AppliesALowerLimitToTheLineThatHasBegun) {
  LineFramer framer;
  Lines lines;
  feed(framer, "12345", lines, 8);
  feed(framer, "6\nab\n", lines, 4);
  EXPECT_THAT(lines, ElementsAre(kOverlong, "ab"));
}

TEST(LineFramerTest, AppliesALowerLimitToALineOfWhichOnlyTheEndIsLeft) {
  for (const auto end : {"\n"sv, "\r\n"sv, "\0\n"sv}) {
    LineFramer framer;
    Lines lines;
    feed(framer, "12345", lines, 8);
    feed(framer, end, lines, 4);
    EXPECT_THAT(lines, ElementsAre(kOverlong)) << end.size();
  }
}

TEST(LineFramerTest, TakesOnlyEmptyLinesWhenTheLimitIsZero) {
  LineFramer framer;
  Lines lines;
  feed(framer, "\r\na\n\n", lines, 0);
  EXPECT_THAT(lines, ElementsAre("", kOverlong, ""));
}

TEST(LineFramerTest, ForgetsTheLineThatIsCleared) {
  LineFramer framer;
  feed(framer, "abc\r");
  framer.clear_line();
  EXPECT_FALSE(framer.has_partial());
  EXPECT_EQ(framer.allocated_bytes(), 0U);
  EXPECT_THAT(feed(framer, "de\n"), ElementsAre("de"));
}

TEST(LineFramerTest, BeginsANewLineWhenAnOverlongOneIsCleared) {
  LineFramer framer;
  EXPECT_THAT(feed(framer, "123456789"), ElementsAre(kOverlong));
  framer.clear_line();
  EXPECT_THAT(feed(framer, "ab\n"), ElementsAre("ab"));
}

TEST(LineFramerTest, EndsALineAtCrNulWhenToldSo) {
  const auto bytes = "a\r\0b\0c\r\0\r\nd\n123456789\r\0e\r\0"sv;
  for (std::size_t split = 0; split <= bytes.size(); ++split) {
    LineFramer framer;
    framer.set_cr_nul_ends_line(true);
    Lines lines;
    feed(framer, bytes.substr(0, split), lines);
    feed(framer, bytes.substr(split), lines);
    EXPECT_THAT(lines, ElementsAre("a", "bc", "", "d", kOverlong, "e")) << split;
    EXPECT_FALSE(framer.has_partial());
  }
}

TEST(LineFramerTest, StripsCrNulAgainAfterCharacterMode) {
  LineFramer framer;
  framer.set_cr_nul_ends_line(true);
  EXPECT_THAT(feed(framer, "a\r\0"sv), ElementsAre("a"));
  framer.set_cr_nul_ends_line(false);
  EXPECT_THAT(feed(framer, "a\r\0b"sv), IsEmpty());
  EXPECT_THAT(feed(framer, "\n"), ElementsAre("ab"));
}

struct EditedLine {
  const char* name;
  std::string_view typed;
  std::string_view line;
};

void PrintTo(const EditedLine& edited, std::ostream* out) { *out << edited.name; }

class EditedLineTest : public ::testing::TestWithParam<EditedLine> {};

TEST_P(EditedLineTest, IsWhatThePersonMeant) {
  std::string scratch = "left over";
  EXPECT_EQ(edit_line(GetParam().typed, scratch), GetParam().line);
}

INSTANTIATE_TEST_SUITE_P(
    AllEdits, EditedLineTest,
    ::testing::Values(EditedLine{"None", "abc", "abc"}, EditedLine{"Empty", "", ""},
                      EditedLine{"Backspace", "abx\bc", "abc"},
                      EditedLine{"Delete", "abx\x7f\x63", "abc"},
                      EditedLine{"MoreThanThereIs", "a\b\b\bb", "b"},
                      EditedLine{"All", "ab\b\b", ""},
                      EditedLine{"WholeCharacter", "é测😀\bx", "é测x"},
                      EditedLine{"ManyCharacters", "é测😀\b\b\bx", "x"},
                      EditedLine{"StrayContinuation", "a\x80\bb", "ab"},
                      EditedLine{"OnlyContinuations", "\x80\x80\bb", "\x80\x62"},
                      EditedLine{"BrokenLead", "a\xe6\bb", "ab"}),
    [](const auto& instance) { return instance.param.name; });

TEST(EditLineTest, ReturnsTheLineItselfWhenThereIsNothingToEdit) {
  const std::string line = "plain";
  std::string scratch;
  EXPECT_EQ(edit_line(line, scratch).data(), line.data());
}

}  // namespace
}  // namespace chatgate::protocol
