#include "shop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace chatgate::config {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

TEST(ReadingTest, KeepsWhatTheTextDoesNotMention) {
  const auto loaded = load("hours: {lunch: 1h}\n");
  EXPECT_THAT(loaded.lines(), IsEmpty());
  Shop expected;
  expected.lunch = 1h;
  EXPECT_EQ(loaded.shop, expected);
}

TEST(ReadingTest, ReadsEveryShape) {
  const auto loaded = load(
      "hours: {open: false}\n"
      "sign: 'closed'\n"
      "shelves:\n"
      "  - {name: left, height: auto, labels: [a, 'b c']}\n"
      "  - name: right\n"
      "prices: {coffee: {cents: 250}, milk: {}}\n");
  EXPECT_THAT(loaded.lines(), IsEmpty());
  const Shop expected{.open = false,
                      .sign = "closed",
                      .shelves = {{"left", 0, {"a", "b c"}}, {.name = "right"}},
                      .prices = {{"coffee", {250}}, {"milk", {100}}}};
  EXPECT_EQ(loaded.shop, expected);
}

TEST(ReadingTest, RemembersWhereEachValueWasGiven) {
  const auto loaded = load("shelves:\n  - name: left\n    height: 3\n");
  const auto& origin = loaded.reading.origins.at("shelves.left.height");
  EXPECT_EQ(to_text(origin), "shop.yaml:3:13");
  EXPECT_FALSE(loaded.reading.origins.contains("sign"));
}

TEST(ReadingTest, FindsTheNearestSectionThatWasGiven) {
  const auto loaded = load("\nshelves:\n  - name: left\n");
  EXPECT_EQ(to_text(loaded.reading.nearest_origin("shelves.left.height")), "shop.yaml:3:5");
  EXPECT_EQ(to_text(loaded.reading.nearest_origin("sign")), "default");
}

TEST(ReadingTest, ReportsEveryMistakeInTheOrderOfTheFile) {
  const auto loaded = load(
      "shelves:\n"
      "  - {name: a, height: 10, labels: [x, y, z]}\n"
      "  - {name: a}\n"
      "hours: {opne: true, lunch: 5}\n"
      "prices: 7\n");
  EXPECT_THAT(loaded.lines(),
              ElementsAre("shop.yaml:2:23: shelves.a.height: must be a whole number from 1 to 9 or "
                          "auto, got \"10\"",
                          "shop.yaml:2:35: shelves.a.labels: must have 0 to 2 entries, got 3",
                          "shop.yaml:3:12: shelves.1.name: \"a\" is the name of the entry at 2:12 "
                          "too",
                          "shop.yaml:4:9: hours.opne: unknown key, did you mean \"open\"?",
                          "shop.yaml:4:28: hours.lunch: must be a duration with its unit, such as "
                          "250ms, 30s or 5m, got \"5\"",
                          "shop.yaml:5:9: prices: must be a section of names, got \"7\""));
}

TEST(ReadingTest, LeavesTheValueAloneThatItCannotTake) {
  const auto loaded = load("hours: {open: maybe}\n");
  EXPECT_EQ(loaded.shop, Shop{});
  EXPECT_TRUE(loaded.reading.broken.contains("hours.open"));
}

TEST(ReadingTest, TakesAnAliasForAValueAndNotForAMerge) {
  const auto loaded = load(
      "prices:\n"
      "  tea: &price {cents: 5}\n"
      "  milk: *price\n"
      "  rice: {<<: *price}\n");
  EXPECT_EQ(loaded.shop.prices.at("milk").cents, 5U);
  EXPECT_THAT(loaded.lines(), ElementsAre("shop.yaml:4:10: prices.rice.<<: merge keys are not "
                                          "supported; write the keys out"));
}

TEST(ReadingTest, CountsFromBehindAByteOrderMark) {
  const auto loaded = load("\xEF\xBB\xBFsing: x\n");
  EXPECT_THAT(loaded.lines(),
              ElementsAre("shop.yaml:1:1: sing: unknown key, did you mean \"sign\"?"));
}

TEST(ReadingTest, ReadsWindowsLineEnds) {
  const auto loaded = load("hours:\r\n  open: false\r\nsing: x\r\n");
  EXPECT_FALSE(loaded.shop.open);
  EXPECT_THAT(loaded.lines(),
              ElementsAre("shop.yaml:3:1: sing: unknown key, did you mean \"sign\"?"));
}

TEST(ReadingTest, ShowsHostileKeysEscaped) {
  const auto loaded = load("\"\\e[31m\": 1\n");
  EXPECT_THAT(loaded.lines(),
              ElementsAre("shop.yaml:1:1: \"\\x1b[31m\": unknown key; expected one of hours, sign, "
                          "shelves, prices"));
}

TEST(ReadingTest, SaysOnlyThatTheTextIsNoDocument) {
  const auto loaded = load("open: [\nsing: x\n");
  EXPECT_FALSE(loaded.is_document);
  EXPECT_EQ(loaded.lines().size(), 1U);
  EXPECT_EQ(loaded.shop, Shop{});
}

}  // namespace
}  // namespace chatgate::config
