#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chatgate/service/top_connections.h>

namespace chatgate::service {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;
using By = TopConnectionsOptions::By;
using Values = std::map<std::uint64_t, std::uint64_t>;  // By id.

class TopConnectionsTest : public ::testing::Test {
 protected:
  /// What a scrape shows, of open connections that have received so many bytes.
  Values scrape(const Values& received) {
    std::vector<session::OpenSession> open;
    for (const auto& [id, bytes] : received) {
      session::OpenSession session{.listener_name = "public"};
      session.record.id = base::SessionId{id};
      session.record.received_bytes = bytes;
      session.record.messages = 1000 - bytes;
      open.push_back(session);
    }
    telemetry::MetricWriter writer;
    top_.write_metrics(writer, open, options_);
    text_ = writer.serialize();
    return shown();
  }

  TopConnections top_;
  TopConnectionsOptions options_{.count = 2};
  std::string text_;

 private:
  Values shown() const {
    Values values;
    std::istringstream lines{text_};
    for (std::string line; std::getline(lines, line);) {
      const auto id = line.find("id=\"");
      if (id == std::string::npos) continue;
      const auto value = std::stoull(line.substr(line.rfind(' ')));
      values.emplace(std::stoull(line.substr(id + 4)), value);
    }
    return values;
  }
};

TEST_F(TopConnectionsTest, NamesTheBusiest) {
  EXPECT_THAT(scrape({{1, 10}, {2, 30}, {3, 20}}), ElementsAre(Pair(2, 30), Pair(3, 20)));
  EXPECT_THAT(text_, HasSubstr("{id=\"2\",listener=\"public\",peer="));
  EXPECT_THAT(text_, HasSubstr(",by=\"received_bytes\"} 30"));
}

TEST_F(TopConnectionsTest, NamesNobodyWhoDidNothing) {
  EXPECT_THAT(scrape({{1, 0}, {2, 0}}), IsEmpty());
}

TEST_F(TopConnectionsTest, ShowsTheProgressOfItsMembers) {
  scrape({{1, 10}});
  EXPECT_THAT(scrape({{1, 12}}), ElementsAre(Pair(1, 12)));
}

TEST_F(TopConnectionsTest, HoldsAMemberForThreeScrapesWhoeverIsBusier) {
  options_.count = 1;
  scrape({{1, 10}});
  EXPECT_THAT(scrape({{1, 10}, {2, 99}}), ElementsAre(Pair(1, 10)));
  EXPECT_THAT(scrape({{1, 10}, {2, 99}}), ElementsAre(Pair(1, 10)));
  EXPECT_THAT(scrape({{1, 10}, {2, 99}}), ElementsAre(Pair(2, 99)));
}

TEST_F(TopConnectionsTest, HoldsAMemberThatEndedWithItsLastValue) {
  scrape({{1, 10}});
  EXPECT_THAT(scrape({}), ElementsAre(Pair(1, 10)));
  EXPECT_THAT(scrape({}), ElementsAre(Pair(1, 10)));
  EXPECT_THAT(scrape({}), IsEmpty());
}

TEST_F(TopConnectionsTest, KeepsTheBusiestForAsLongAsTheyAre) {
  for (int i = 0; i < 10; ++i) {
    EXPECT_THAT(scrape({{1, 10}, {2, 20}, {3, 5}}), ElementsAre(Pair(1, 10), Pair(2, 20)));
  }
}

TEST_F(TopConnectionsTest, ReplacesAtOnceWhoHasBeenShownLongEnough) {
  for (int i = 0; i < 5; ++i) scrape({{1, 10}, {2, 20}});
  EXPECT_THAT(scrape({{1, 10}, {2, 20}, {3, 15}}), ElementsAre(Pair(2, 20), Pair(3, 15)));
}

TEST_F(TopConnectionsTest, ShowsNoMoreThanALoweredCount) {
  scrape({{1, 10}, {2, 20}});
  options_.count = 1;
  EXPECT_THAT(scrape({{1, 10}, {2, 20}}), SizeIs(1));
}

TEST_F(TopConnectionsTest, StartsAnewWhenAnotherThingCounts) {
  options_.count = 1;
  scrape({{1, 10}, {2, 20}});
  options_.by = By::Messages;
  EXPECT_THAT(scrape({{1, 10}, {2, 20}}), ElementsAre(Pair(1, 990)));
}

// Everybody is gone at the next scrape, and each who comes is busier than all before.
TEST_F(TopConnectionsTest, AddsAThirdOfItsPlacesAScrapeWhenNobodyStays) {
  options_.count = 9;
  constexpr std::uint64_t kScrapes = 300;
  std::set<std::uint64_t> all;
  for (std::uint64_t i = 0; i < kScrapes; ++i) {
    Values received;
    for (std::uint64_t n = 1; n <= 100; ++n) received.emplace(i * 100 + n, i * 100 + n);
    const auto values = scrape(received);
    EXPECT_LE(values.size(), 9U);
    for (const auto& [id, value] : values) all.insert(id);
  }
  EXPECT_LE(all.size(), kScrapes * 9 / 3);
}

}  // namespace
}  // namespace chatgate::service
