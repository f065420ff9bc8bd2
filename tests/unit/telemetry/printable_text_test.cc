#include <string>

#include <gtest/gtest.h>

#include <chatgate/telemetry/printable_text.h>

namespace chatgate::telemetry {
namespace {

struct ShownText {
  const char* name;
  std::string text;
  std::string shown;
};

void PrintTo(const ShownText& shown, std::ostream* out) { *out << shown.name; }

class PrintableTextTest : public ::testing::TestWithParam<ShownText> {};

TEST_P(PrintableTextTest, IsSafeToShow) {
  EXPECT_EQ(printable_text(GetParam().text), GetParam().shown);
}

INSTANTIATE_TEST_SUITE_P(
    AllKinds, PrintableTextTest,
    ::testing::Values(ShownText{"Empty", "", ""},
                      ShownText{"Ascii", "hello, world = 1", "hello, world = 1"},
                      ShownText{"Utf8", "收到 ü 😀", "收到 ü 😀"},
                      ShownText{"QuoteAndBackslashStay", "a\"b\\n", "a\"b\\n"},
                      ShownText{"LineEnds", "a\r\nb", "a\\x0d\\x0ab"},
                      ShownText{"NulAndTab", std::string{"\0\t", 2}, "\\x00\\x09"},
                      ShownText{"EscapeSequence", "\x1b[31mred", "\\x1b[31mred"},
                      ShownText{"Delete", "\x7f", "\\x7f"},
                      ShownText{"C1Control", "\u0085\u009b", "\\u{85}\\u{9b}"},
                      ShownText{"LoneC1Byte", "\x9b", "\\x9b"},
                      ShownText{"BidiMarks", "\u061c\u200e\u200f", "\\u{61c}\\u{200e}\\u{200f}"},
                      ShownText{"BidiOverridesAndIsolates", "\u202e\u2066", "\\u{202e}\\u{2066}"},
                      ShownText{"LineSeparators", "\u2028\u2029", "\\u{2028}\\u{2029}"},
                      ShownText{"ByteOrderMark", "\ufeff", "\\u{feff}"},
                      ShownText{"JoinersStay", "a\u200db", "a\u200db"},
                      ShownText{"CutSequence", "\xe6\x94", "\\xe6\\x94"},
                      ShownText{"CutByAscii", "\xe6x", "\\xe6x"},
                      ShownText{"Overlong", "\xc0\xaf\xe0\x80\xaf", "\\xc0\\xaf\\xe0\\x80\\xaf"},
                      ShownText{"Surrogate", "\xed\xa0\x80", "\\xed\\xa0\\x80"},
                      ShownText{"BeyondUnicode", "\xf4\x90\x80\x80\xff",
                                "\\xf4\\x90\\x80\\x80\\xff"},
                      ShownText{"LastCodePoint", "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"}),
    [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace chatgate::telemetry
