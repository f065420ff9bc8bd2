#include <ostream>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include <chatgate/protocol/utf8.h>

namespace chatgate::protocol {
namespace {

struct Text {
  const char* name;
  std::string_view bytes;
  std::string_view replaced;
};

void PrintTo(const Text& text, std::ostream* out) { *out << text.name; }

class Utf8Test : public ::testing::TestWithParam<Text> {};

TEST_P(Utf8Test, ReplacesWhatIsInvalid) {
  std::string scratch = "left over";
  EXPECT_EQ(replace_invalid(GetParam().bytes, scratch), GetParam().replaced);
}

TEST_P(Utf8Test, IsValidWhenNothingIsReplaced) {
  EXPECT_EQ(is_valid_utf8(GetParam().bytes), GetParam().bytes == GetParam().replaced);
}

TEST_P(Utf8Test, IsTheSameAfterAnyLengthOfAscii) {
  for (std::size_t length = 1; length <= 17; ++length) {
    const std::string ascii(length, 'a');
    std::string scratch;
    EXPECT_EQ(replace_invalid(ascii + std::string{GetParam().bytes} + ascii, scratch),
              ascii + std::string{GetParam().replaced} + ascii);
  }
}

INSTANTIATE_TEST_SUITE_P(
    AllTexts, Utf8Test,
    ::testing::Values(Text{"Ascii", "plain \x01\x7f", "plain \x01\x7f"},
                      Text{"TwoBytes", "\u0080\u07FF", "\u0080\u07FF"},
                      Text{"ThreeBytes", "\u0800测\uFFFF", "\u0800测\uFFFF"},
                      Text{"AroundSurrogates", "\uD7FF\uE000", "\uD7FF\uE000"},
                      Text{"FourBytes", "\U00010000😀\U0010FFFF", "\U00010000😀\U0010FFFF"},
                      Text{"LoneContinuation", "\x80\xbf", "\uFFFD\uFFFD"},
                      Text{"OverlongSlash", "\xc0\xaf", "\uFFFD\uFFFD"},
                      Text{"OverlongTwoBytes", "\xc1\xbf", "\uFFFD\uFFFD"},
                      Text{"OverlongThreeBytes", "\xe0\x9f\xbf", "\uFFFD\uFFFD\uFFFD"},
                      Text{"OverlongFourBytes", "\xf0\x8f\xbf\xbf", "\uFFFD\uFFFD\uFFFD\uFFFD"},
                      Text{"Surrogate", "\xed\xa0\x80", "\uFFFD\uFFFD\uFFFD"},
                      Text{"AboveTheLast", "\xf4\x90\x80\x80", "\uFFFD\uFFFD\uFFFD\uFFFD"},
                      Text{"NoLeadByte", "\xf5\xff", "\uFFFD\uFFFD"},
                      Text{"MaximalSubpartOfTwo", "\xe1\x80\xe2", "\uFFFD\uFFFD"},
                      Text{"MaximalSubpartOfThree", "\xf1\x80\x80 ", "\uFFFD "},
                      // Unicode 15, table 3-8 and 3-11.
                      Text{"UnicodeExample", "\x61\xf1\x80\x80\xe1\x80\xc2\x62\x80\x63\x80\xbf\x64",
                           "a\uFFFD\uFFFD\uFFFDb\uFFFDc\uFFFD\uFFFDd"},
                      Text{"UnicodeTruncated", "\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41",
                           "\uFFFD\uFFFD\uFFFD\uFFFD\x41"}),
    [](const auto& instance) { return instance.param.name; });

TEST(ReplaceInvalidTest, ReturnsTheTextItselfWhenValid) {
  const std::string text = "测试 123";
  std::string scratch;
  EXPECT_EQ(replace_invalid(text, scratch).data(), text.data());
  EXPECT_EQ(replace_invalid("", scratch), "");
  EXPECT_TRUE(is_valid_utf8(""));
}

TEST(ReplaceInvalidTest, ReplacesACharacterThatTheTextCutsOff) {
  std::string scratch;
  EXPECT_EQ(replace_invalid("a\xe6\xb5", scratch), "a\uFFFD");
}

struct Ending {
  const char* name;
  std::string_view bytes;
  std::size_t size;
};

void PrintTo(const Ending& ending, std::ostream* out) { *out << ending.name; }

class IncompleteSuffixTest : public ::testing::TestWithParam<Ending> {};

TEST_P(IncompleteSuffixTest, IsTheUnfinishedCharacter) {
  EXPECT_EQ(incomplete_suffix(GetParam().bytes), GetParam().size);
}

INSTANTIATE_TEST_SUITE_P(
    AllEndings, IncompleteSuffixTest,
    ::testing::Values(Ending{"Nothing", "", 0}, Ending{"Ascii", "abc", 0},
                      Ending{"Whole", "a测", 0}, Ending{"WholeFour", "😀", 0},
                      Ending{"OneOfTwo", "a\xc3", 1}, Ending{"OneOfThree", "a\xe6", 1},
                      Ending{"TwoOfThree", "a\xe6\xb5", 2}, Ending{"OneOfFour", "\xf0", 1},
                      Ending{"TwoOfFour", "\xf0\x9f", 2}, Ending{"ThreeOfFour", "\xf0\x9f\x98", 3},
                      Ending{"LoneContinuations", "\x80\x80\x80", 0},
                      Ending{"AlreadyOverlong", "\xe0\x80", 0},
                      Ending{"AlreadySurrogate", "\xed\xa0", 0},
                      Ending{"AlreadyTooGreat", "\xf4\x90\x80", 0}, Ending{"NoLead", "a\xff", 0},
                      Ending{"OneContinuationTooMany", "\xc3\xa9\xa9", 0}),
    [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace chatgate::protocol
