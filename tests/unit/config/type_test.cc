#include <string>

#include <gtest/gtest.h>

#include <chatgate/config/type.h>

namespace chatgate::config {
namespace {

using namespace std::chrono_literals;

template <class M>
std::string refusal(const Type<M>& type, std::string_view text) {
  const auto parsed = type.parse(text);
  return parsed ? "accepted" : parsed.error().message;
}

class RefusedNumberTest : public ::testing::TestWithParam<const char*> {};

TEST_P(RefusedNumberTest, IsNoWholeNumber) {
  const Type<std::uint32_t> type = Whole{0, 1000};
  EXPECT_EQ(refusal(type, GetParam()),
            "must be a whole number from 0 to 1000, got \"" + std::string{GetParam()} + '"');
}

INSTANTIATE_TEST_SUITE_P(Spellings, RefusedNumberTest,
                         ::testing::Values("", "070", "0x10", "1e3", "+5", "-1", "1.0", "1_000",
                                           " 5", "5 ", "1001", "99999999999999999999", "five"));

TEST(WholeTest, TakesItsBounds) {
  const Type<std::uint8_t> type = Whole{1, 32};
  EXPECT_EQ(*type.parse("1"), 1);
  EXPECT_EQ(*type.parse("32"), 32);
  EXPECT_EQ(type.to_text(32), "32");
}

TEST(WholeTest, HasAWordForZero) {
  const Type<std::uint32_t> type = Whole{1, 8, "auto"};
  EXPECT_EQ(*type.parse("auto"), 0U);
  EXPECT_EQ(type.to_text(0), "auto");
  EXPECT_EQ(refusal(type, "0"), "must be a whole number from 1 to 8 or auto, got \"0\"");
  EXPECT_EQ(refusal(type, "atuo"),
            "must be a whole number from 1 to 8 or auto, got \"atuo\", did you mean \"auto\"?");
}

TEST(BooleanTest, KnowsNoOtherWords) {
  EXPECT_TRUE(*boolean().parse("true"));
  EXPECT_FALSE(*boolean().parse("false"));
  for (const auto* word : {"yes", "on", "1", "TRUE", ""}) {
    EXPECT_EQ(refusal(boolean(), word), "must be true or false, got \"" + std::string{word} + '"');
  }
}

TEST(MeasuredTypeTest, AsksForTheUnit) {
  EXPECT_EQ(refusal(duration(0s, 1h), "30"),
            "must be a duration with its unit, such as 250ms, 30s or 5m, got \"30\"");
  EXPECT_EQ(refusal(size({0}, {1024}), "30"),
            "must be a size with its unit, such as 512B, 64KiB or 16MiB, got \"30\"");
  EXPECT_EQ(refusal(rate({0}, {100}), "30"),
            "must be a rate with its unit, such as 20/s, 90/m or 5/h, got \"30\"");
}

TEST(MeasuredTypeTest, KeepsItsBounds) {
  const auto type = duration(1s, 1h);
  EXPECT_EQ(*type.parse("1s"), 1s);
  EXPECT_EQ(*type.parse("60m"), 1h);
  EXPECT_EQ(refusal(type, "999ms"), "must be within 1s to 1h, got \"999ms\"");
  EXPECT_EQ(refusal(type, "1h1ms"), "must be within 1s to 1h, got \"1h1ms\"");
}

TEST(ChoiceTest, SaysWhatThereIsToChoose) {
  enum class Colour { Red, Green, Blue };
  const auto type =
      choice<Colour>({{"red", Colour::Red}, {"green", Colour::Green}, {"blue", Colour::Blue}});
  EXPECT_EQ(*type.parse("green"), Colour::Green);
  EXPECT_EQ(type.to_text(Colour::Blue), "blue");
  EXPECT_EQ(refusal(type, "gren"),
            "must be red, green or blue, got \"gren\", did you mean \"green\"?");
  EXPECT_EQ(refusal(type, "mauve"), "must be red, green or blue, got \"mauve\"");
}

TEST(TextTest, IsBoundedUtf8WithoutNul) {
  EXPECT_EQ(*text(6).parse("测试"), "测试");
  EXPECT_EQ(refusal(text(6), "1234567"), "must be at most 6 bytes long, got 7");
  EXPECT_EQ(refusal(text(6), "a\xFF"), "must be UTF-8 without NUL");
  EXPECT_EQ(refusal(text(6), std::string_view{"a\0b", 3}), "must be UTF-8 without NUL");
}

TEST(NameTest, FitsLabelsAndVariables) {
  EXPECT_EQ(*name().parse("public-2"), "public-2");
  EXPECT_EQ(*name().parse(std::string(32, 'a')), std::string(32, 'a'));
  for (const auto& bad : {std::string{}, std::string{"Public"}, std::string{"a_b"},
                          std::string{"a.b"}, std::string(33, 'a')}) {
    EXPECT_EQ(refusal(name(), bad), "must be 1 to 32 of a-z, 0-9 and -, got \"" + bad + '"');
  }
}

}  // namespace
}  // namespace chatgate::config
