#include <gtest/gtest.h>

#include <chatgate/session/options.h>

namespace chatgate::session {
namespace {

using admission::OverloadLevel;
using namespace std::chrono_literals;

constexpr TimeoutOptions kOrdinary{
    .first_message = 1min, .idle = 15min, .line = 30s, .write = 30s, .max_lifetime = 1h};
constexpr OverloadTimeouts kHurried{.first_message = 10s, .idle = 5min, .line = 9s, .write = 8s};

TEST(OverloadTimeoutsTest, AreTheOrdinaryOnesWithoutAnOverload) {
  EXPECT_EQ(timeouts_at(OverloadLevel::None, kOrdinary, kHurried), kOrdinary);
}

TEST(OverloadTimeoutsTest, HurryThoseWhoHaveSaidNothingAlone) {
  auto expected = kOrdinary;
  expected.first_message = 10s;
  EXPECT_EQ(timeouts_at(OverloadLevel::Newcomers, kOrdinary, kHurried), expected);
}

TEST(OverloadTimeoutsTest, HurryTheSilentAndTheSlowNext) {
  const TimeoutOptions expected{
      .first_message = 10s, .idle = 5min, .line = 9s, .write = 8s, .max_lifetime = 1h};
  EXPECT_EQ(timeouts_at(OverloadLevel::All, kOrdinary, kHurried), expected);
}

TEST(OverloadTimeoutsTest, LimitWhatWasUnlimited) {
  auto unlimited = kOrdinary;
  unlimited.first_message = unlimited.idle = 0s;
  const auto hurried = timeouts_at(OverloadLevel::All, unlimited, kHurried);
  EXPECT_EQ(hurried.first_message, 10s);
  EXPECT_EQ(hurried.idle, 5min);
}

TEST(OverloadTimeoutsTest, LeaveAloneWhatIsShorterOrNotToBeHurried) {
  const OverloadTimeouts lenient{.first_message = 2min, .idle = 0s, .line = 0s, .write = 31s};
  EXPECT_EQ(timeouts_at(OverloadLevel::All, kOrdinary, lenient), kOrdinary);
}

}  // namespace
}  // namespace chatgate::session
