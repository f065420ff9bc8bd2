#include <string>

#include <gtest/gtest.h>

#include <chatgate/telemetry/escape.h>

namespace chatgate::telemetry {
namespace {

struct EscapedText {
  const char* name;
  std::string text;
  std::string escaped;
};

void PrintTo(const EscapedText& escaped, std::ostream* out) { *out << escaped.name; }

class EscapedTextTest : public ::testing::TestWithParam<EscapedText> {};

TEST_P(EscapedTextTest, IsSafeToShow) {
  EXPECT_EQ(escape_text(GetParam().text), GetParam().escaped);
}

INSTANTIATE_TEST_SUITE_P(
    AllKinds, EscapedTextTest,
    ::testing::Values(EscapedText{"Empty", "", ""},
                      EscapedText{"Ascii", "hello, world = 1", "hello, world = 1"},
                      EscapedText{"Utf8", "收到 ü 😀", "收到 ü 😀"},
                      EscapedText{"QuoteAndBackslash", "a\"b\\n", "a\\\"b\\\\n"},
                      EscapedText{"LineEnds", "a\r\nb", "a\\x0d\\x0ab"},
                      EscapedText{"NulAndTab", std::string{"\0\t", 2}, "\\x00\\x09"},
                      EscapedText{"EscapeSequence", "\x1b[31mred", "\\x1b[31mred"},
                      EscapedText{"Delete", "\x7f", "\\x7f"},
                      EscapedText{"C1Control", "\u0085\u009b", "\\u{85}\\u{9b}"},
                      EscapedText{"LoneC1Byte", "\x9b", "\\x9b"},
                      EscapedText{"BidiMarks", "\u061c\u200e\u200f", "\\u{61c}\\u{200e}\\u{200f}"},
                      EscapedText{"BidiOverridesAndIsolates", "\u202e\u2066", "\\u{202e}\\u{2066}"},
                      EscapedText{"LineSeparators", "\u2028\u2029", "\\u{2028}\\u{2029}"},
                      EscapedText{"ByteOrderMark", "\ufeff", "\\u{feff}"},
                      EscapedText{"JoinersStay", "a\u200db", "a\u200db"},
                      EscapedText{"CutSequence", "\xe6\x94", "\\xe6\\x94"},
                      EscapedText{"CutByAscii", "\xe6x", "\\xe6x"},
                      EscapedText{"Overlong", "\xc0\xaf\xe0\x80\xaf", "\\xc0\\xaf\\xe0\\x80\\xaf"},
                      EscapedText{"Surrogate", "\xed\xa0\x80", "\\xed\\xa0\\x80"},
                      EscapedText{"BeyondUnicode", "\xf4\x90\x80\x80\xff",
                                  "\\xf4\\x90\\x80\\x80\\xff"},
                      EscapedText{"LastCodePoint", "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"}),
    [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace chatgate::telemetry
