#include <chrono>

#include <gtest/gtest.h>

#include <chatgate/admission/token_bucket.h>

namespace chatgate::admission {
namespace {

using namespace std::chrono_literals;
using base::Clock;
using base::Rate;

class TokenBucketTest : public ::testing::Test {
 protected:
  // Takes until none is left, at most 1000, and returns how many there were.
  int take_all(const TokenBucket& bucket, Clock::time_point now) {
    int taken = 0;
    while (taken < 1000 && bucket.take(full_at_, now)) ++taken;
    return taken;
  }

  const Clock::time_point start_ = Clock::time_point{} + 1h;
  Clock::time_point full_at_ = start_;
};

TEST_F(TokenBucketTest, HoldsItsBurst) {
  EXPECT_EQ(take_all(TokenBucket{Rate{20}, 40}, start_), 40);
}

TEST_F(TokenBucketTest, GetsATokenBackAtTheExactInstant) {
  const TokenBucket bucket{Rate{20}, 40};
  take_all(bucket, start_);
  EXPECT_FALSE(bucket.take(full_at_, start_ + 50ms - 1ns));
  EXPECT_TRUE(bucket.take(full_at_, start_ + 50ms));
  EXPECT_FALSE(bucket.take(full_at_, start_ + 100ms - 1ns));
  EXPECT_TRUE(bucket.take(full_at_, start_ + 100ms));
}

TEST_F(TokenBucketTest, GetsManyTokensBackAtOnce) {
  const TokenBucket bucket{Rate{20}, 40};
  take_all(bucket, start_);
  EXPECT_EQ(take_all(bucket, start_ + 499ms), 9);
  EXPECT_EQ(take_all(bucket, start_ + 500ms), 1);
}

TEST_F(TokenBucketTest, IsFullAtTheInstantItTells) {
  const TokenBucket bucket{Rate{20}, 40};
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(bucket.take(full_at_, start_));
  EXPECT_EQ(full_at_, start_ + 150ms);
  EXPECT_EQ(take_all(bucket, full_at_), 40);
}

TEST_F(TokenBucketTest, GathersNoMoreThanItsBurst) {
  const TokenBucket bucket{Rate{20}, 40};
  take_all(bucket, start_);
  EXPECT_EQ(take_all(bucket, start_ + 24h), 40);
}

TEST_F(TokenBucketTest, LosesNothingWhenItRefuses) {
  const TokenBucket bucket{Rate{20}, 40};
  take_all(bucket, start_);
  for (int i = 0; i < 1000; ++i) ASSERT_FALSE(bucket.take(full_at_, start_ + 49ms));
  EXPECT_TRUE(bucket.take(full_at_, start_ + 50ms));
}

TEST_F(TokenBucketTest, GivesNothingExtraToAnAcceptorWhoseTimeIsBehind) {
  const TokenBucket bucket{Rate{20}, 2};
  EXPECT_EQ(take_all(bucket, start_ + 1ms), 2);
  for (int i = 0; i < 100; ++i) ASSERT_FALSE(bucket.take(full_at_, start_));
  EXPECT_FALSE(bucket.take(full_at_, start_ + 51ms - 1ns));
  EXPECT_TRUE(bucket.take(full_at_, start_ + 51ms));
}

TEST_F(TokenBucketTest, HasNoBoundWhenTheRateIsZero) {
  EXPECT_EQ(take_all(TokenBucket{Rate{0}, 1}, start_), 1000);
}

TEST_F(TokenBucketTest, LetsOneInWhenTheBurstIsZero) {
  const TokenBucket bucket{Rate{20}, 0};
  EXPECT_EQ(take_all(bucket, start_), 1);
  EXPECT_EQ(take_all(bucket, start_ + 50ms), 1);
}

TEST_F(TokenBucketTest, StandsTheSlowestRateAndTheGreatestBurst) {
  const TokenBucket bucket{Rate{1e-300}, UINT32_MAX};
  EXPECT_TRUE(bucket.take(full_at_, start_));
  EXPECT_GT(full_at_, start_);
  const TokenBucket single{Rate{1e-300}, 1};
  full_at_ = start_;
  EXPECT_TRUE(single.take(full_at_, start_));
  EXPECT_FALSE(single.take(full_at_, start_ + 24h));
}

TEST_F(TokenBucketTest, ForgetsADebtThatItsNewRateWouldHavePaid) {
  const TokenBucket slow{Rate{1}, 40};
  take_all(slow, start_);
  ASSERT_EQ(full_at_, start_ + 40s);
  const TokenBucket fast{Rate{20}, 40};
  EXPECT_FALSE(fast.take(full_at_, start_));
  EXPECT_FALSE(fast.take(full_at_, start_ + 50ms - 1ns));
  EXPECT_TRUE(fast.take(full_at_, start_ + 50ms));
}

}  // namespace
}  // namespace chatgate::admission
