#include <string>

#include <gtest/gtest.h>

#include <chatgate/config/wording.h>

namespace chatgate::config {
namespace {

TEST(WordingTest, QuotesWithoutAnythingThatDisturbsATerminal) {
  EXPECT_EQ(in_quotes("a\"b\\\n\t\x1b[31m\x7f"), R"("a\"b\\\n\t\x1b[31m\x7f")");
}

TEST(WordingTest, CutsLongTextBetweenCharacters) {
  const std::string cut(59, 'a');
  EXPECT_EQ(in_quotes(cut + "成功"), '"' + cut + "…\"");
  EXPECT_EQ(in_quotes(cut + 'b'), '"' + cut + "b\"");
}

TEST(WordingTest, SuggestsWhatIsATypingSlipAway) {
  EXPECT_EQ(nearest("max_conections", {"max", "max_connections"}),
            ", did you mean \"max_connections\"?");
  EXPECT_EQ(nearest("ilde", {"line", "idle"}), ", did you mean \"idle\"?");
  EXPECT_EQ(nearest("colour", {"line", "idle"}), "");
}

TEST(WordingTest, ListsTheChoicesWhenNothingIsNear) {
  EXPECT_EQ(suggestion("colour", {"line", "idle"}), "; expected one of line, idle");
  EXPECT_EQ(suggestion("lime", {"line", "idle"}), ", did you mean \"line\"?");
  EXPECT_EQ(suggestion("lime", {}), "");
}

TEST(WordingTest, FindsNothingNearAHugeWord) {
  EXPECT_EQ(nearest(std::string(100'000, 'a'), {std::string(100'000, 'a')}), "");
}

struct Utf8Case {
  const char* name;
  std::string text;
  std::size_t prefix;
};

void PrintTo(const Utf8Case& utf8, std::ostream* out) { *out << utf8.name; }

class Utf8PrefixTest : public ::testing::TestWithParam<Utf8Case> {};

TEST_P(Utf8PrefixTest, EndsBeforeTheFirstMalformedByte) {
  EXPECT_EQ(utf8_prefix(GetParam().text), GetParam().prefix);
}

INSTANTIATE_TEST_SUITE_P(Rfc3629, Utf8PrefixTest,
                         ::testing::Values(Utf8Case{"Empty", "", 0}, Utf8Case{"Ascii", "abc", 3},
                                           Utf8Case{"EverySize",
                                                    "a\xC3\xA9\xE6\x88\x90\xF0\x9F\x98\x80", 10},
                                           Utf8Case{"LoneContinuation", "ab\x80", 2},
                                           Utf8Case{"CutShort", "ab\xE6\x88", 2},
                                           Utf8Case{"WrongContinuation", "ab\xE6\x88\x41", 2},
                                           Utf8Case{"OverlongOfTwo", "\xC0\xAF", 0},
                                           Utf8Case{"OverlongOfThree", "\xE0\x80\xAF", 0},
                                           Utf8Case{"OverlongOfFour", "\xF0\x80\x80\xAF", 0},
                                           Utf8Case{"Surrogate", "a\xED\xA0\x80", 1},
                                           Utf8Case{"LastBeforeSurrogates", "\xED\x9F\xBF", 3},
                                           Utf8Case{"BeyondUnicode", "\xF4\x90\x80\x80", 0},
                                           Utf8Case{"NoSuchByte", "\xFF", 0}),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace chatgate::config
