#include "threads.h"

#include <gtest/gtest.h>

#include <chatgate/admission/slots.h>

namespace chatgate::admission {
namespace {

TEST(SlotsTest, AreTakenUpToTheLimitAndNotBeyond) {
  Slots slots{2};
  EXPECT_TRUE(slots.try_take());
  EXPECT_TRUE(slots.has_room());
  EXPECT_TRUE(slots.try_take());
  EXPECT_FALSE(slots.has_room());
  EXPECT_FALSE(slots.try_take());
  EXPECT_EQ(slots.taken(), 2U);
  slots.give_back();
  EXPECT_TRUE(slots.try_take());
}

TEST(SlotsTest, AreTakenBeyondTheLimitWhenForced) {
  Slots slots{1};
  EXPECT_TRUE(slots.take());
  EXPECT_FALSE(slots.take());
  EXPECT_EQ(slots.taken(), 2U);
  slots.give_back();
  EXPECT_FALSE(slots.try_take());
  slots.give_back();
  EXPECT_TRUE(slots.try_take());
}

TEST(SlotsTest, StayTakenWhenTheLimitIsLowered) {
  Slots slots{3};
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(slots.try_take());
  slots.set_limit(1);
  EXPECT_EQ(slots.taken(), 3U);
  EXPECT_EQ(slots.limit(), 1U);
  slots.give_back(2);
  EXPECT_FALSE(slots.try_take());
  slots.give_back();
  EXPECT_TRUE(slots.try_take());
}

TEST(SlotsTest, HaveNoBoundWhenUnlimited) {
  Slots slots{Slots::kUnlimited};
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(slots.try_take());
  EXPECT_TRUE(slots.has_room());
  EXPECT_EQ(slots.limit(), Slots::kUnlimited);
}

TEST(SlotsTest, AreNeverOneTooManyWhoeverTakesThem) {
  Slots slots{1};
  Witness witness;
  on_all_threads([&](int) {
    for (int round = 0; round < 50'000; ++round) {
      if (!slots.try_take()) continue;
      witness.one_came();
      witness.one_goes();
      slots.give_back();
    }
  });
  EXPECT_EQ(witness.most(), 1);
  EXPECT_EQ(slots.taken(), 0U);
}

TEST(SlotsTest, AreNeverOneTooManyWhileTheLimitChanges) {
  Slots slots{2};
  Witness witness;
  on_all_threads([&](int i) {
    for (std::uint32_t round = 0; round < 20'000; ++round) {
      if (i == 0) slots.set_limit(1 + round % 2);
      if (!slots.try_take()) continue;
      witness.one_came();
      witness.one_goes();
      slots.give_back();
    }
  });
  EXPECT_LE(witness.most(), 2);
  EXPECT_EQ(slots.taken(), 0U);
}

TEST(SlotsDeathTest, AreNotGivenBackTwice) {
  Slots slots{2};
  ASSERT_TRUE(slots.try_take());
  slots.give_back();
  EXPECT_DEATH(slots.give_back(), "assertion failed");
}

}  // namespace
}  // namespace chatgate::admission
