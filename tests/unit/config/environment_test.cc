#include "shop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace chatgate::config {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(EnvironmentTest, KeepsTheVariablesWithThePrefix) {
  const char* const entries[] = {"SHOP__SIGN=a=b", "SHOP=x", "HOME=/", "SHOP__OPEN", nullptr};
  EXPECT_THAT(environment_with("SHOP__", entries), ElementsAre(Pair("SHOP__SIGN", "a=b")));
}

TEST(EnvironmentTest, OverridesTheFile) {
  const auto loaded = load("sign: file\n", {{"SHOP__SIGN", "variable"}});
  EXPECT_THAT(loaded.lines(), IsEmpty());
  EXPECT_EQ(loaded.shop.sign, "variable");
  EXPECT_EQ(to_text(loaded.reading.origins.at("sign")), "environment SHOP__SIGN");
}

TEST(EnvironmentTest, FindsEntriesByNameAndByNumber) {
  const auto loaded =
      load("shelves: [{name: left-2}, {name: right}]\n", {{"SHOP__SHELVES__LEFT_2__HEIGHT", "3"},
                                                          {"SHOP__SHELVES__1__HEIGHT", "4"},
                                                          {"SHOP__PRICES__tea__cents", "5"}});
  EXPECT_THAT(loaded.lines(), IsEmpty());
  EXPECT_EQ(loaded.shop.shelves[0].height, 3);
  EXPECT_EQ(loaded.shop.shelves[1].height, 4);
  EXPECT_EQ(loaded.shop.prices.at("tea").cents, 5U);
}

TEST(EnvironmentTest, SplitsListsAtCommas) {
  EXPECT_THAT(load("", {{"SHOP__SHELVES__MAIN__LABELS", "a, b c"}}).shop.shelves[0].labels,
              ElementsAre("a", "b c"));
  EXPECT_THAT(load("shelves: [{labels: [a]}]\n", {{"SHOP__SHELVES__MAIN__LABELS", ""}})
                  .shop.shelves[0]
                  .labels,
              IsEmpty());
}

TEST(EnvironmentTest, NamesTheVariableThatIsWrong) {
  const auto loaded = load("", {{"SHOP__HOURS__LUNCH", "5"},
                                {"SHOP__HOURS__OPNE", "true"},
                                {"SHOP__SHELVES__MAIN__LABELS", "a,b,c"},
                                {"SHOP__SHELVES__MAIN__NAME", "other"}});
  EXPECT_THAT(
      loaded.lines(),
      ElementsAre("environment: SHOP__HOURS__LUNCH: must be a duration with its unit, such as "
                  "250ms, 30s or 5m, got \"5\"",
                  "environment: SHOP__HOURS__OPNE: matches no key, did you mean "
                  "\"SHOP__HOURS__OPEN\"?",
                  "environment: SHOP__SHELVES__MAIN__LABELS: must have 0 to 2 entries, got 3",
                  "environment: SHOP__SHELVES__MAIN__NAME: matches no key"));
}

TEST(EnvironmentTest, NamesTheVariableOfAPath) {
  EXPECT_EQ(variable_for("SHOP__", "shelves.left-2.height"), "SHOP__SHELVES__LEFT_2__HEIGHT");
}

}  // namespace
}  // namespace chatgate::config
