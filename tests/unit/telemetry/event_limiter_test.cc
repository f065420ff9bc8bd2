#include "event_limiter.h"

#include <string>

#include <gtest/gtest.h>

namespace chatgate::telemetry {
namespace {

using namespace std::chrono_literals;

class EventLimiterTest : public ::testing::Test {
 protected:
  bool admit(std::string_view event, std::string_view key = {}, LogLevel level = LogLevel::Info) {
    return limiter_.admit(level, event, key, now_);
  }

  // How many of `n` events at this moment become lines.
  int admit_many(int n, std::string_view event, std::string_view key = {}) {
    int admitted = 0;
    for (int i = 0; i < n; ++i) admitted += admit(event, key) ? 1 : 0;
    return admitted;
  }

  EventLimiter limiter_;
  base::Clock::time_point now_{1h};
};

TEST_F(EventLimiterTest, AdmitsEightAMinuteOfAClass) {
  EXPECT_EQ(admit_many(100, "refused"), 8);
  now_ += 59s;
  EXPECT_EQ(admit_many(100, "refused"), 0);
  now_ += 1s;
  EXPECT_EQ(admit_many(100, "refused"), 8);
}

TEST_F(EventLimiterTest, AdmitsNoMoreThanEightInAnyMinute) {
  EXPECT_EQ(admit_many(4, "refused"), 4);
  now_ += 50s;
  EXPECT_EQ(admit_many(10, "refused"), 4);
  now_ += 10s;
  EXPECT_EQ(admit_many(10, "refused"), 4);
  now_ += 49s;
  EXPECT_EQ(admit_many(10, "refused"), 0);
}

TEST_F(EventLimiterTest, TellsClassesApartByEventAndKey) {
  EXPECT_EQ(admit_many(10, "refused"), 8);
  EXPECT_EQ(admit_many(10, "refused", "public"), 8);
  EXPECT_EQ(admit_many(10, "refused", "local"), 8);
  EXPECT_EQ(admit_many(10, "accept_failed"), 8);
}

TEST_F(EventLimiterTest, OwesTheNumberOnceAMinuteAfterTheFirst) {
  admit_many(8, "refused", "public");
  now_ += 5s;
  admit("refused", "public", LogLevel::Warn);
  admit("refused", "public", LogLevel::Info);
  now_ += 59s;
  EXPECT_TRUE(limiter_.take_due(now_).empty());
  now_ += 1s;
  const auto due = limiter_.take_due(now_);
  ASSERT_EQ(due.size(), 1U);
  EXPECT_EQ(due[0].event, "refused");
  EXPECT_EQ(due[0].key, "public");
  EXPECT_EQ(due[0].count, 2U);
  EXPECT_EQ(due[0].level, LogLevel::Warn);
  EXPECT_TRUE(limiter_.take_due(now_ + 1h).empty());
}

TEST_F(EventLimiterTest, OwesAllNumbersAtTheEnd) {
  admit_many(10, "refused");
  admit_many(11, "accept_failed");
  const auto all = limiter_.take_all();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].count, 2U);
  EXPECT_EQ(all[1].count, 3U);
  EXPECT_TRUE(limiter_.take_all().empty());
}

TEST_F(EventLimiterTest, LetsClassesBeyondTheTableShareOne) {
  for (std::size_t i = 0; i < kEventClassesMax; ++i) {
    EXPECT_TRUE(admit("refused", std::to_string(i)));
  }
  int admitted = 0;
  for (int i = 100; i < 1100; ++i) admitted += admit("refused", std::to_string(i)) ? 1 : 0;
  EXPECT_EQ(admitted, 8);
  const auto all = limiter_.take_all();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].event, "other_events");
  EXPECT_EQ(all[0].count, 992U);
}

TEST_F(EventLimiterTest, GivesThePlaceOfAClassAwayOnceItIsIdleAndOwesNothing) {
  for (std::size_t i = 1; i < kEventClassesMax; ++i) admit("refused", std::to_string(i));
  admit_many(9, "owing");
  now_ += 1min;
  EXPECT_EQ(admit_many(10, "fresh"), 8);
  const auto all = limiter_.take_all();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].event, "fresh");
  EXPECT_EQ(all[1].event, "owing");
}

}  // namespace
}  // namespace chatgate::telemetry
