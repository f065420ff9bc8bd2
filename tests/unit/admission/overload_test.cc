#include <optional>

#include <gtest/gtest.h>

#include <chatgate/admission/overload.h>

namespace chatgate::admission {
namespace {

using namespace std::chrono_literals;
using Clock = base::Clock;

TEST(EarlyDropChanceTest, GrowsFromFourFifthsToAll) {
  EXPECT_EQ(early_drop_chance(0), 0);
  EXPECT_EQ(early_drop_chance(0.8), 0);
  EXPECT_NEAR(early_drop_chance(0.85), 0.25, 1e-9);
  EXPECT_NEAR(early_drop_chance(0.9), 0.5, 1e-9);
  EXPECT_NEAR(early_drop_chance(0.99), 0.95, 1e-9);
  EXPECT_EQ(early_drop_chance(1), 1);
  EXPECT_EQ(early_drop_chance(1.5), 1);
}

class OverloadWatchTest : public ::testing::Test {
 protected:
  // Looks after another `after`, and gives the level.
  OverloadLevel look(Clock::duration after, const OverloadWatch::Look& seen) {
    now_ += after;
    auto at_now = seen;
    at_now.at = now_;
    return watch_.look(at_now, kFirstMessage).level;
  }
  // Ten looks a second for so long. Gives the level after the last.
  OverloadLevel look_for(Clock::duration time, const OverloadWatch::Look& seen) {
    auto level = watch_.state().level;
    for (Clock::duration passed{}; passed < time; passed += 100ms) level = look(100ms, seen);
    return level;
  }

  static constexpr auto kFirstMessage = 10s;
  static constexpr OverloadWatch::Look kCalm{.places = 0.79, .memory = 0.79};
  static constexpr OverloadWatch::Look kFull{.is_full = true, .places = 1};
  static constexpr OverloadWatch::Look kBusy{.places = 0.95};
  static constexpr OverloadWatch::Look kShort{.memory = 0.8};

  OverloadWatch watch_;
  Clock::time_point now_ = Clock::time_point{} + 1h;
};

TEST_F(OverloadWatchTest, LeavesAGatewayAloneThatHasRoom) {
  EXPECT_EQ(look_for(60s, kCalm), OverloadLevel::None);
  EXPECT_EQ(look_for(60s, kBusy), OverloadLevel::None);
}

TEST_F(OverloadWatchTest, BeginsWhenEveryPlaceIsTakenForASecond) {
  EXPECT_EQ(look_for(1s, kFull), OverloadLevel::None);
  EXPECT_EQ(look(100ms, kFull), OverloadLevel::Newcomers);
  EXPECT_EQ(watch_.state().cause, OverloadCause::Connections);
}

TEST_F(OverloadWatchTest, DoesNotBeginWhenAPlaceBecomesFreeNowAndThen) {
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(look_for(900ms, kFull), OverloadLevel::None);
    EXPECT_EQ(look(100ms, kBusy), OverloadLevel::None);
  }
}

TEST_F(OverloadWatchTest, BeginsAtOnceWhenMemoryIsShort) {
  EXPECT_EQ(look(100ms, kShort), OverloadLevel::Newcomers);
  EXPECT_EQ(watch_.state().cause, OverloadCause::Memory);
}

TEST_F(OverloadWatchTest, TurnsToAllWhenThoseWhoSaidNothingHadTheirTime) {
  look(100ms, kShort);
  EXPECT_EQ(look(kFirstMessage - 1ms, kShort), OverloadLevel::Newcomers);
  EXPECT_EQ(look(1ms, kShort), OverloadLevel::All);
}

TEST_F(OverloadWatchTest, BeginsWithNewcomersEvenWhenTheyHaveNoTimeAtAll) {
  EXPECT_EQ(watch_.look({.at = now_, .memory = 1}, 0s).level, OverloadLevel::Newcomers);
  EXPECT_EQ(watch_.look({.at = now_ + 1ms, .memory = 1}, 0s).level, OverloadLevel::All);
}

TEST_F(OverloadWatchTest, EndsAfterTenSecondsOfCalm) {
  look(100ms, kShort);
  EXPECT_NE(look(100ms, kCalm), OverloadLevel::None);
  EXPECT_NE(look(9'999ms, kCalm), OverloadLevel::None);
  EXPECT_EQ(look(1ms, kCalm), OverloadLevel::None);
}

TEST_F(OverloadWatchTest, CountsTheCalmAnewAfterEachTrouble) {
  look(100ms, kShort);
  for (const auto& trouble : {kShort, kBusy}) {
    EXPECT_NE(look_for(9s, kCalm), OverloadLevel::None);
    EXPECT_NE(look(100ms, trouble), OverloadLevel::None);
  }
  EXPECT_NE(look_for(9s, kCalm), OverloadLevel::None);
}

TEST_F(OverloadWatchTest, GoesOnWhileMostPlacesAreTaken) {
  look_for(1100ms, kFull);
  EXPECT_EQ(look_for(60s, kBusy), OverloadLevel::All);
}

TEST_F(OverloadWatchTest, IsForcedUntilItIsReleased) {
  EXPECT_FALSE(watch_.release());
  watch_.force();
  EXPECT_EQ(look(100ms, {}), OverloadLevel::Newcomers);
  EXPECT_EQ(watch_.state().cause, OverloadCause::Operator);
  EXPECT_EQ(look_for(60s, {}), OverloadLevel::All);
  EXPECT_TRUE(watch_.release());
  EXPECT_EQ(look(100ms, {}), OverloadLevel::None);
  EXPECT_FALSE(watch_.release());
}

TEST_F(OverloadWatchTest, BeginsAnewAfterAReleaseWhenThereIsReason) {
  watch_.force();
  look_for(20s, kShort);
  EXPECT_TRUE(watch_.release());
  EXPECT_EQ(look(100ms, kShort), OverloadLevel::Newcomers);
  EXPECT_EQ(watch_.state().cause, OverloadCause::Memory);
}

TEST_F(OverloadWatchTest, ForgetsEverythingWhenItIsReset) {
  watch_.force();
  look(100ms, kFull);
  watch_.reset();
  EXPECT_FALSE(watch_.state().is_forced);
  EXPECT_EQ(look(100ms, kFull), OverloadLevel::None);
}

TEST(OverloadCauseTest, HasAWordForEach) {
  EXPECT_EQ(word(OverloadCause::Connections), "connections");
  EXPECT_EQ(word(OverloadCause::Memory), "memory");
  EXPECT_EQ(word(OverloadCause::Operator), "operator");
}

}  // namespace
}  // namespace chatgate::admission
