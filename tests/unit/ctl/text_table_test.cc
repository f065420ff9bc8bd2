#include <gtest/gtest.h>

#include <chatgate/ctl/text_table.h>

namespace chatgate::ctl {
namespace {

using Side = TextColumn::Side;

TEST(TextTableTest, IsAsWideAsItsCells) {
  EXPECT_EQ(text_table({{"ID", Side::Right}, {"PEER"}}, {{"7", "10.0.0.1:4711"}, {"4711", "unix"}}),
            "  ID  PEER\n"
            "   7  10.0.0.1:4711\n"
            "4711  unix\n");
}

TEST(TextTableTest, EscapesWhatCouldDisturbATerminal) {
  EXPECT_EQ(text_table({{"A"}}, {{"\x1b[31mred\n"}}), "A\n\\x1b[31mred\\x0a\n");
}

TEST(FitTest, FillsUpAndCutsByCharacters) {
  EXPECT_EQ(fit("äöü", 5, Side::Left), "äöü  ");
  EXPECT_EQ(fit("äöü", 5, Side::Right), "  äöü");
  EXPECT_EQ(fit("äöü", 2, Side::Left), "äö");
  EXPECT_EQ(fit("abc", 0, Side::Left), "");
}

TEST(ShortCountTest, HasAtMostFiveCharacters) {
  EXPECT_EQ(short_count(0), "0");
  EXPECT_EQ(short_count(999), "999");
  EXPECT_EQ(short_count(1'000), "1.0k");
  EXPECT_EQ(short_count(12'345), "12.3k");
  EXPECT_EQ(short_count(99'960), "100k");
  EXPECT_EQ(short_count(999'600), "1.0M");
  EXPECT_EQ(short_count(4'200'000'000), "4.2G");
}

TEST(ShortSecondsTest, ShowsTheTwoGreatestUnits) {
  EXPECT_EQ(short_seconds(0.25), "0.2s");
  EXPECT_EQ(short_seconds(45), "45s");
  EXPECT_EQ(short_seconds(192), "3m12s");
  EXPECT_EQ(short_seconds(7'500), "2h05m");
  EXPECT_EQ(short_seconds(273'600), "3d04h");
}

}  // namespace
}  // namespace chatgate::ctl
