#include "admission_fixture.h"

namespace chatgate::admission {
namespace {

using namespace std::chrono_literals;

using AdmissionReloadTest = AdmissionTest;

TEST_F(AdmissionReloadTest, KeepsThoseInsideAndRefusesNewOnesWhenTheGlobalLimitIsLowered) {
  for (int i = 0; i < 5; ++i) ASSERT_EQ(enter("192.0.2.1"), std::nullopt);
  options_.max_connections = 3;
  admission_.apply(options_);
  EXPECT_EQ(admission_.open(), 5U);
  EXPECT_EQ(admission_.limit(), 3U);
  EXPECT_EQ(enter("192.0.2.1"), Refusal::LimitGlobal);
  for (int i = 0; i < 3; ++i) one_leaves();
  EXPECT_EQ(enter("192.0.2.1"), std::nullopt);
  EXPECT_EQ(enter("192.0.2.1"), Refusal::LimitGlobal);
}

TEST_F(AdmissionReloadTest, KeepsThoseInsideAndRefusesNewOnesWhenAListenersLimitIsLowered) {
  for (int i = 0; i < 3; ++i) ASSERT_EQ(enter("192.0.2.1"), std::nullopt);
  admission_.apply(public_, {.max_connections = 2});
  EXPECT_EQ(public_.open(), 3U);
  EXPECT_EQ(enter("192.0.2.1"), Refusal::LimitListener);
  admission_.apply(public_, ListenerLimits{});
  EXPECT_EQ(enter("192.0.2.1"), std::nullopt);
}

TEST_F(AdmissionReloadTest, KeepsThoseInsideWhomTheNewAccessListRefuses) {
  ASSERT_EQ(enter("192.0.2.1"), std::nullopt);
  admission_.apply(public_, {.deny = {cidr("192.0.2.1")}});
  EXPECT_EQ(admission_.open(), 1U);
  EXPECT_EQ(enter("192.0.2.1"), Refusal::DenyCidr);
}

TEST_F(AdmissionReloadTest, ReleasesASourceOfTheOldPrefixAfterAChange) {
  options_.per_source.max = 1;
  admission_.apply(options_);
  ASSERT_EQ(enter("2001:db8:0:1::1"), std::nullopt);
  auto wider = options_;
  wider.per_source.v6_prefix = 48;
  admission_.apply(wider);
  EXPECT_EQ(enter("2001:db8:0:1::1"), std::nullopt);
  EXPECT_EQ(enter("2001:db8:0:2::1"), Refusal::LimitSourceCount);
  all_leave();
  EXPECT_EQ(enter("2001:db8:0:2::1"), std::nullopt);
  admission_.apply(options_);
  EXPECT_EQ(enter("2001:db8:0:1::1"), std::nullopt);
  EXPECT_EQ(enter("2001:db8:0:1::2"), Refusal::LimitSourceCount);
}

TEST_F(AdmissionReloadTest, CountsASourceThatIsNoLongerExempt) {
  options_.per_source.max = 1;
  options_.per_source.exempt = {cidr("192.0.2.0/24")};
  admission_.apply(options_);
  for (int i = 0; i < 2; ++i) ASSERT_EQ(enter("192.0.2.1"), std::nullopt);
  options_.per_source.exempt.clear();
  admission_.apply(options_);
  EXPECT_EQ(enter("192.0.2.1"), std::nullopt);
  EXPECT_EQ(enter("192.0.2.1"), Refusal::LimitSourceCount);
}

TEST_F(AdmissionReloadTest, LetsASourceInSoonerWhenItsRateIsRaised) {
  options_.per_source.rate = base::Rate{1.0 / 60};
  options_.per_source.burst = 10;
  admission_.apply(options_);
  for (int i = 0; i < 10; ++i) ASSERT_EQ(enter("192.0.2.1"), std::nullopt);
  ASSERT_EQ(enter("192.0.2.1"), Refusal::LimitSourceRate);
  options_.per_source.rate = base::Rate{20};
  admission_.apply(options_);
  EXPECT_EQ(enter("192.0.2.1"), Refusal::LimitSourceRate);
  now_ += 50ms;
  EXPECT_EQ(enter("192.0.2.1"), std::nullopt);
}

TEST_F(AdmissionReloadTest, KeepsTheTicketsOfAListenerThatIsRemoved) {
  auto& removed = admission_.add_listener(base::ListenerId{2}, {.max_connections = 1});
  ASSERT_EQ(enter(removed, ip("192.0.2.1")), std::nullopt);
  admission_.remove_listener(removed);
  EXPECT_EQ(admission_.open(), 1U);
  // The next removal finds the first one's ticket still out, and must leave it alone.
  admission_.remove_listener(admission_.add_listener(base::ListenerId{3}, ListenerLimits{}));
  all_leave();
  EXPECT_EQ(admission_.open(), 0U);
  admission_.remove_listener(public_);
}

TEST_F(AdmissionReloadTest, WakesTheWaitingWhenALimitIsRaised) {
  int woken = 0;
  admission_.set_on_release([&woken] { ++woken; });
  options_.max_connections = 1;
  admission_.apply(options_);
  admission_.apply(public_, {.max_connections = 1});
  EXPECT_EQ(woken, 0);
  ASSERT_EQ(enter("192.0.2.1"), std::nullopt);

  admission_.announce_waiting();
  EXPECT_FALSE(admission_.has_room(public_));
  options_.max_connections = 2;
  admission_.apply(options_);
  EXPECT_EQ(woken, 1);

  admission_.announce_waiting();
  EXPECT_FALSE(admission_.has_room(public_));
  admission_.apply(public_, {.max_connections = 2});
  EXPECT_EQ(woken, 2);
  EXPECT_TRUE(admission_.has_room(public_));
}

TEST_F(AdmissionReloadTest, HasRoomForAllWhenItsLimitsDoNotRefuse) {
  options_.max_connections = 1;
  admission_.apply(options_);
  ASSERT_EQ(enter("192.0.2.1"), std::nullopt);
  EXPECT_FALSE(admission_.has_room(public_));
  options_.mode = Mode::Observe;
  admission_.apply(options_);
  EXPECT_TRUE(admission_.has_room(public_));
}

}  // namespace
}  // namespace chatgate::admission
