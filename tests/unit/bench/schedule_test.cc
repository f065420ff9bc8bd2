#include <chrono>

#include <gtest/gtest.h>

#include <chatgate/bench/schedule.h>

namespace chatgate::bench {
namespace {

using namespace std::chrono_literals;

const Schedule::Time kStart = Schedule::Time{} + 1h;

TEST(ScheduleTest, SpreadsOperationsEvenly) {
  const Schedule schedule{kStart, 1000};
  EXPECT_EQ(schedule.due(0), kStart);
  EXPECT_EQ(schedule.due(1), kStart + 1ms);
  EXPECT_EQ(schedule.due(2500), kStart + 2500ms);
}

TEST(ScheduleTest, NothingIsDueBeforeTheStart) {
  const Schedule schedule{kStart, 1000};
  EXPECT_EQ(schedule.count_due(kStart - 1ns), 0U);
  EXPECT_EQ(schedule.count_due(kStart), 1U);
}

// A thread that was held up finds all that it has missed, each with its own time.
TEST(ScheduleTest, AStallLeavesNothingOut) {
  const Schedule schedule{kStart, 1000};
  EXPECT_EQ(schedule.count_due(kStart + 10ms), 11U);
  EXPECT_EQ(schedule.count_due(kStart + 210ms), 211U);
  EXPECT_EQ(schedule.due(11), kStart + 11ms);
}

// 3/s has no whole number of nanoseconds: the count and the times must agree all the same.
TEST(ScheduleTest, CountAndTimesAgreeAtEveryRate) {
  for (const double rate : {0.5, 3.0, 7.0, 1e3, 33'333.3, 1e6, 3e6, 1e8}) {
    const Schedule schedule{kStart, rate};
    for (const std::uint64_t k : {0ULL, 1ULL, 2ULL, 3ULL, 100ULL, 99'999ULL, 10'000'000ULL}) {
      const auto due = schedule.due(k);
      EXPECT_GE(schedule.count_due(due), k + 1) << rate << ' ' << k;
      EXPECT_LE(schedule.count_due(due - 1ns), k) << rate << ' ' << k;
    }
  }
}

TEST(ScheduleTest, RoundingDoesNotAddUp) {
  const Schedule schedule{kStart, 3};
  EXPECT_EQ(schedule.due(3 * 3600), kStart + 1h);
}

}  // namespace
}  // namespace chatgate::bench
