#include "shop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chatgate/config/effective.h>
#include <chatgate/config/reference.h>

namespace chatgate::config {

void PrintTo(const Change& change, std::ostream* out) {
  *out << change.path << (change.apply == Apply::Restart ? " (restart)" : "");
}

namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(EffectiveTest, ShowsEveryValueWithItsOrigin) {
  auto loaded = load("shelves: [{height: 3, labels: [\"a\\\"\"]}]\n", {{"SHOP__SIGN", "x"}});
  EXPECT_EQ(effective_yaml(shop_table().root(), &loaded.shop, loaded.reading.origins),
            "hours:\n"
            "  open: true  # default\n"
            "  lunch: 30m  # default\n"
            "sign: \"x\"  # environment SHOP__SIGN\n"
            "shelves:\n"
            "  - name: \"main\"  # default\n"
            "    height: 3  # shop.yaml:1:20\n"
            "    labels: [\"a\\\"\"]  # shop.yaml:1:31\n"
            "prices:\n"
            "  \"tea\":\n"
            "    cents: 100  # default\n");
}

TEST(EffectiveTest, LoadsAgainAsTheSame) {
  auto first = load("sign: \"a\\x01\\n\\\\\\\"#: 测\"\nshelves: [{name: -}, {name: null-}]\n");
  ASSERT_THAT(first.lines(), IsEmpty());
  const auto yaml = effective_yaml(shop_table().root(), &first.shop, first.reading.origins);
  const auto second = load(yaml);
  EXPECT_THAT(second.lines(), IsEmpty()) << yaml;
  EXPECT_EQ(second.shop, first.shop) << yaml;
}

std::vector<Change> changes_between(Shop before, Shop now) {
  return changes(shop_table().root(), &before, &now);
}

TEST(ChangesTest, AreNoneBetweenEquals) { EXPECT_THAT(changes_between({}, {}), IsEmpty()); }

TEST(ChangesTest, SayWhichNeedARestart) {
  Shop now;
  now.open = false;
  now.sign = "x";
  now.shelves[0].labels = {"a"};
  EXPECT_THAT(changes_between({}, now),
              ElementsAre(Change{"hours.open", Apply::Restart}, Change{"sign", Apply::Reload},
                          Change{"shelves.main.labels", Apply::Reload}));
}

TEST(ChangesTest, NameAnEntryThatCameOrWentOnce) {
  Shop now;
  now.shelves = {{.name = "new"}};
  now.prices.emplace("milk", Price{});
  EXPECT_THAT(changes_between({}, now), ElementsAre(Change{"shelves.new", Apply::Reload},
                                                    Change{"prices.milk", Apply::Reload},
                                                    Change{"shelves.main", Apply::Reload}));
}

TEST(ChangesTest, IgnoreTheOrderOfEntries) {
  Shop before;
  before.shelves = {{.name = "a"}, {.name = "b"}};
  Shop now;
  now.shelves = {{.name = "b"}, {.name = "a"}};
  EXPECT_THAT(changes_between(before, now), IsEmpty());
}

TEST(ReferenceTest, HasARowForEachKey) {
  Shop defaults;
  const auto tables = reference_tables(shop_table().root(), &defaults);
  EXPECT_THAT(tables, HasSubstr("### `shelves[]`\n\nWhere. 1 to 3 entries.\n"));
  EXPECT_THAT(tables, HasSubstr("| `open` | true or false | `true` | – | restart | Whether"));
  EXPECT_THAT(tables, HasSubstr("| `lunch` | duration | `30m` | 0s to 2h | reload | The \\| br"));
  EXPECT_THAT(tables,
              HasSubstr("| `labels` | list of text | `[]` | 0 to 2 entries, each at most 8B"));
  EXPECT_THAT(tables, HasSubstr("### `prices.<name>`"));
}

}  // namespace
}  // namespace chatgate::config
