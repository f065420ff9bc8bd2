#include <ostream>

#include <gmock/gmock.h>

#include <chatgate/admin/list_query.h>

namespace chatgate::admin {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Animal {
  std::string name;
  std::uint64_t legs;
  double weight;
  bool tame;
  net::PeerAddress home;
};

net::PeerAddress at(const char* ip) { return {net::IpAddress::parse(ip).value(), 80}; }

const std::vector<Column> kColumns{{"name", CellKind::Text},
                                   {"legs", CellKind::Count},
                                   {"weight", CellKind::Measure},
                                   {"tame", CellKind::Flag},
                                   {"home", CellKind::Peer}};

const std::vector<Animal> kAnimals{{"cat", 4, 4.5, true, at("10.0.0.2")},
                                   {"ant", 6, 0.001, false, at("10.0.0.10")},
                                   {"hen", 2, 2.5, true, at("2001:db8::1")},
                                   {"fox", 4, 6.5, false, at("192.0.2.1")}};

Table animals() {
  return {kColumns, kAnimals.size(), [](std::size_t row, std::size_t column) -> Cell {
            const auto& animal = kAnimals[row];
            switch (column) {
              case 0:
                return animal.name;
              case 1:
                return animal.legs;
              case 2:
                return animal.weight;
              case 3:
                return animal.tame;
              default:
                return animal.home;
            }
          }};
}

std::vector<std::string> names_of(const Selection& selection) {
  std::vector<std::string> names;
  for (const auto row : selection.rows) names.push_back(kAnimals[row].name);
  return names;
}

struct GoodQuery {
  const char* name;
  ListText text;
  std::vector<std::string> shown;
};

void PrintTo(const GoodQuery& query, std::ostream* out) { *out << query.name; }

class GoodQueryTest : public ::testing::TestWithParam<GoodQuery> {};

TEST_P(GoodQueryTest, SelectsTheseRowsInThisOrder) {
  const auto query = parse_list_query(GetParam().text, kColumns);
  ASSERT_TRUE(query.has_value()) << query.error();
  EXPECT_EQ(names_of(select_rows(*query, animals())), GetParam().shown);
}

INSTANTIATE_TEST_SUITE_P(
    Sorts, GoodQueryTest,
    ::testing::Values(
        GoodQuery{"ByFirstColumnUnasked", {"", "", ""}, {"ant", "cat", "fox", "hen"}},
        GoodQuery{"ByText", {"name", "", ""}, {"ant", "cat", "fox", "hen"}},
        GoodQuery{"ByTextDescending", {"-name", "", ""}, {"hen", "fox", "cat", "ant"}},
        GoodQuery{"KeepsEqualRowsInOrder", {"legs", "", ""}, {"hen", "cat", "fox", "ant"}},
        GoodQuery{
            "KeepsEqualRowsInOrderDescending", {"-legs", "", ""}, {"ant", "cat", "fox", "hen"}},
        GoodQuery{"ByMeasure", {"-weight", "", ""}, {"fox", "cat", "hen", "ant"}},
        GoodQuery{"ByFlag", {"tame", "", ""}, {"ant", "fox", "cat", "hen"}},
        GoodQuery{"ByPeerAsNumbers", {"home", "", ""}, {"cat", "ant", "fox", "hen"}},
        GoodQuery{"UpToTheLimit", {"-weight", "", "2"}, {"fox", "cat"}},
        GoodQuery{"AfterTheOffset", {"-weight", "", "2", "1"}, {"cat", "hen"}},
        GoodQuery{"WhatTheOffsetLeaves", {"-weight", "", "2", "3"}, {"ant"}},
        GoodQuery{"NothingBeyondTheEnd", {"-weight", "", "2", "9"}, {}},
        GoodQuery{"NothingForLimitZero", {"", "", "0"}, {}}),
    [](const auto& instance) { return instance.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Filters, GoodQueryTest,
    ::testing::Values(GoodQuery{"EqualText", {"", "name=cat", ""}, {"cat"}},
                      GoodQuery{"OtherText", {"", "name!=cat", ""}, {"ant", "fox", "hen"}},
                      GoodQuery{"LaterText", {"", "name>=fox", ""}, {"fox", "hen"}},
                      GoodQuery{"EqualCount", {"", "legs=4", ""}, {"cat", "fox"}},
                      GoodQuery{"GreaterCount", {"", "legs>4", ""}, {"ant"}},
                      GoodQuery{"AtLeastCount", {"", "legs>=4", ""}, {"ant", "cat", "fox"}},
                      GoodQuery{"SmallerCount", {"", "legs<4", ""}, {"hen"}},
                      GoodQuery{"AtMostCount", {"", "legs<=4", ""}, {"cat", "fox", "hen"}},
                      GoodQuery{"OtherCount", {"", "legs!=4", ""}, {"ant", "hen"}},
                      GoodQuery{"Measure", {"", "weight>2.5", ""}, {"cat", "fox"}},
                      GoodQuery{"MeasureAsDuration", {"", "weight>2500ms", ""}, {"cat", "fox"}},
                      GoodQuery{"Flag", {"", "tame=true", ""}, {"cat", "hen"}},
                      GoodQuery{"NoFlag", {"", "tame!=true", ""}, {"ant", "fox"}},
                      GoodQuery{"AllConditions", {"", "legs=4,tame=false", ""}, {"fox"}},
                      GoodQuery{"NoRow", {"", "legs>100", ""}, {}},
                      GoodQuery{"EmptyText", {"", "name=", ""}, {}},
                      GoodQuery{"PeerInBlock", {"", "home=10.0.0.0/8", ""}, {"ant", "cat"}},
                      GoodQuery{"PeerOutsideBlock", {"", "home!=10.0.0.0/8", ""}, {"fox", "hen"}},
                      GoodQuery{"PeerInV6Block", {"", "home=2001:db8::/32", ""}, {"hen"}},
                      GoodQuery{"OnePeer", {"", "home=10.0.0.2", ""}, {"cat"}},
                      GoodQuery{"PeerThatIsOnlyAPrefix", {"", "home=10.0.0.1", ""}, {}},
                      GoodQuery{"PeerByUnfinishedAddress", {"", "home=10.0.", ""}, {"ant", "cat"}},
                      GoodQuery{"PeerByAddressAndPort", {"", "home=10.0.0.2:80", ""}, {"cat"}},
                      GoodQuery{"V6PeerByUnfinishedAddress", {"", "home=2001:", ""}, {"hen"}},
                      GoodQuery{
                          "V6PeerByAddressAndPort", {"", "home=[2001:db8::1]:80", ""}, {"hen"}}),
    [](const auto& instance) { return instance.param.name; });

struct BadQuery {
  const char* name;
  ListText text;
  const char* says;
};

void PrintTo(const BadQuery& query, std::ostream* out) { *out << query.name; }

class BadQueryTest : public ::testing::TestWithParam<BadQuery> {};

TEST_P(BadQueryTest, IsRefusedWithWhatToWrite) {
  const auto query = parse_list_query(GetParam().text, kColumns);
  ASSERT_FALSE(query.has_value());
  EXPECT_THAT(query.error(), HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    AllMistakes, BadQueryTest,
    ::testing::Values(
        BadQuery{"UnknownSort",
                 {"colour", "", ""},
                 "no column 'colour'; the columns are name, legs, weight, tame, home"},
        BadQuery{"SortByNothing", {"-", "", ""}, "no column ''"},
        BadQuery{"UnknownFilter", {"", "colour=red", ""}, "no column 'colour'"},
        BadQuery{"NoComparison", {"", "legs", ""}, "'legs' is not a condition"},
        BadQuery{"LoneBang", {"", "legs!4", ""}, "'legs!4' is not a condition"},
        BadQuery{"EmptyCondition", {"", "legs=4,,tame=true", ""}, "'' is not a condition"},
        BadQuery{"TextForCount", {"", "legs=four", ""}, "'four' is not a number"},
        BadQuery{
            "CountWithUnit", {"", "weight>1kg", ""}, "neither a number of seconds nor a duration"},
        BadQuery{"NumberForFlag", {"", "tame=1", ""}, "neither true nor false"},
        BadQuery{"OrderOfFlags", {"", "tame>false", ""}, "tame knows only = and !="},
        BadQuery{"OrderOfPeers", {"", "home<10.0.0.1", ""}, "home knows only = and !="},
        BadQuery{"BrokenBlock", {"", "home=10.0.0.0/33", ""}, "not a block"},
        BadQuery{"NegativeLimit", {"", "", "-1"}, "whole number from 0 to 10000"},
        BadQuery{"LimitTooHigh", {"", "", "10001"}, "whole number from 0 to 10000"},
        BadQuery{"NegativeOffset", {"", "", "", "-1"}, "offset: '-1' is not a whole number"},
        BadQuery{"LimitWithRest", {"", "", "10x"}, "whole number from 0 to 10000"}),
    [](const auto& instance) { return instance.param.name; });

TEST(ListQueryTest, TakesSixteenConditionsAndNoMore) {
  std::string filter = "legs=4";
  for (std::size_t i = 1; i < kListTermsMax; ++i) filter += ",legs=4";
  EXPECT_TRUE(parse_list_query({"", filter, ""}, kColumns).has_value());
  EXPECT_FALSE(parse_list_query({"", filter + ",legs=4", ""}, kColumns).has_value());
}

TEST(ListQueryTest, LimitsToAHundredUnasked) {
  const auto query = parse_list_query({}, kColumns);
  ASSERT_TRUE(query.has_value());
  EXPECT_EQ(query->limit, 100U);
}

TEST(ListQueryTest, CountsMatchesBeyondTheLimit) {
  const auto query = parse_list_query({"name", "tame=true", "1"}, kColumns);
  ASSERT_TRUE(query.has_value());
  const auto selection = select_rows(*query, animals());
  EXPECT_THAT(names_of(selection), ElementsAre("cat"));
  EXPECT_EQ(selection.matched, 2U);
}

TEST(ListQueryTest, SelectsNothingFromNothing) {
  const auto query = parse_list_query({"-legs", "tame=true", ""}, kColumns);
  ASSERT_TRUE(query.has_value());
  EXPECT_THAT(select_rows(*query, {kColumns, 0, {}}).rows, IsEmpty());
}

}  // namespace
}  // namespace chatgate::admin
