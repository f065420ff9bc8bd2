#include <ostream>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include <chatgate/protocol/terminal.h>

namespace chatgate::protocol {
namespace {

using namespace std::string_view_literals;

struct Shown {
  const char* name;
  std::string_view text;
  std::string_view safe;
};

void PrintTo(const Shown& shown, std::ostream* out) { *out << shown.name; }

class ShownTextTest : public ::testing::TestWithParam<Shown> {};

TEST_P(ShownTextTest, IsSafe) {
  std::string out = "* ";
  append_terminal_safe(GetParam().text, out);
  EXPECT_EQ(out, "* " + std::string{GetParam().safe});
}

INSTANTIATE_TEST_SUITE_P(
    AllTexts, ShownTextTest,
    ::testing::Values(
        Shown{"Plain", "hello, 测试 é 😀!", "hello, 测试 é 😀!"}, Shown{"Empty", "", ""},
        Shown{"Tab", "a\tb", "a\tb"}, Shown{"C0", "a\0\1\a\b\n\v\f\r\x1f\x7f\x62"sv, "ab"},
        Shown{"C1", "a\u0080\u0085\u009cb", "ab"}, Shown{"Colour", "\x1b[1;31mred\x1b[0m", "red"},
        Shown{"ClearScreen", "\x1b[2J\x1b[Hx", "x"}, Shown{"PrivateMode", "\x1b[?1049hx", "x"},
        Shown{"C1Csi", "a\u009b31mb", "ab"}, Shown{"CsiBrokenOff", "\x1b[31\nmx", "mx"},
        Shown{"CsiUnfinished", "a\x1b[31", "a"},
        Shown{"TitleEndedByBell", "a\x1b]0;owned\ab", "ab"},
        Shown{"TitleEndedBySt", "a\x1b]0;owned\x1b\\b", "ab"},
        Shown{"TitleEndedByC1St", "a\u009d0;owned\u009cb", "ab"},
        Shown{"TitleUnfinished", "a\x1b]0;owned", "a"},
        Shown{"DeviceControl", "a\x1bPq#0\x1b\\b", "ab"},
        Shown{"ApplicationCommand", "a\x1b_x\x1b\\b", "ab"}, Shown{"Reset", "a\x1b\x63\x62", "ab"},
        Shown{"CharacterSet", "a\x1b(0b", "ab"}, Shown{"LoneEscape", "a\x1b", "a"},
        Shown{"EscapeEscape", "a\x1b\x1b[31mb", "ab"},
        Shown{"BidiOverride", "a\u202eb\u202cc", "abc"},
        Shown{"BidiIsolate", "a\u2066b\u2069c", "abc"},
        Shown{"BidiMarks", "a\u200e\u200f\u061cb", "ab"},
        Shown{"BidiEmbeddings", "\u202a\u202b\u202dx", "x"},
        Shown{"NeighboursOfBidi", "\u2029\u202f\u2065\u206a", "\u2029\u202f\u2065\u206a"},
        Shown{"Invalid", "a\xff\x62", "a\uFFFDb"}, Shown{"RawC1Csi", "\x9b\x33\x31m", "\uFFFD31m"},
        Shown{"C1JoinedByRemoval", "\xc2\x1b[m\x9b", "\uFFFD\uFFFD"},
        Shown{"BidiJoinedByRemoval", "\xe2\x80\x01\xae", "\uFFFD\uFFFD"}),
    [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace chatgate::protocol
