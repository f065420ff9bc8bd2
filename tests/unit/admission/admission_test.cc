#include "admission_fixture.h"

namespace chatgate::admission {
namespace {

using namespace std::chrono_literals;

TEST_F(AdmissionTest, LetsInUpToTheGlobalLimitAndNotOneMore) {
  options_.max_connections = 3;
  admission_.apply(options_);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(enter("192.0.2.1"), std::nullopt);
  EXPECT_EQ(enter("192.0.2.1"), Refusal::LimitGlobal);
  EXPECT_EQ(admission_.open(), 3U);
  EXPECT_EQ(admission_.limit(), 3U);
  one_leaves();
  EXPECT_EQ(enter("192.0.2.1"), std::nullopt);
}

TEST_F(AdmissionTest, LetsInUpToTheListenersLimitAndOthersBeside) {
  auto& narrow = admission_.add_listener(base::ListenerId{2}, {.max_connections = 2});
  EXPECT_EQ(narrow.limit(), 2U);
  EXPECT_EQ(public_.limit(), 0U);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(enter(narrow, ip("192.0.2.1")), std::nullopt);
  EXPECT_EQ(enter(narrow, ip("192.0.2.1")), Refusal::LimitListener);
  EXPECT_EQ(enter(public_, ip("192.0.2.1")), std::nullopt);
  EXPECT_EQ(narrow.open(), 2U);
  EXPECT_EQ(public_.open(), 1U);
  EXPECT_EQ(admission_.open(), 3U);
}

TEST_F(AdmissionTest, BoundsTheOpenConnectionsOfASource) {
  options_.per_source.max = 2;
  admission_.apply(options_);
  EXPECT_EQ(enter("192.0.2.1"), std::nullopt);
  EXPECT_EQ(enter("192.0.2.1"), std::nullopt);
  EXPECT_EQ(enter("192.0.2.1"), Refusal::LimitSourceCount);
  EXPECT_EQ(enter("192.0.2.2"), std::nullopt);
  EXPECT_EQ(admission_.sources_tracked(Family::V4), 2U);
  EXPECT_EQ(admission_.sources_tracked(Family::V6), 0U);
}

TEST_F(AdmissionTest, BoundsTheNewConnectionsOfASourceInTime) {
  options_.per_source.rate = base::Rate{20};
  options_.per_source.burst = 3;
  admission_.apply(options_);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(enter("192.0.2.1"), std::nullopt);
  EXPECT_EQ(enter("192.0.2.1"), Refusal::LimitSourceRate);
  EXPECT_EQ(enter("192.0.2.2"), std::nullopt);
  now_ += 50ms;
  EXPECT_EQ(enter("192.0.2.1"), std::nullopt);
  EXPECT_EQ(enter("192.0.2.1"), Refusal::LimitSourceRate);
}

TEST_F(AdmissionTest, TakesAV6NetworkOf64BitsForOneSource) {
  options_.per_source.max = 1;
  admission_.apply(options_);
  EXPECT_EQ(enter("2001:db8:0:1::1"), std::nullopt);
  EXPECT_EQ(enter("2001:db8:0:1:ffff:ffff:ffff:ffff"), Refusal::LimitSourceCount);
  EXPECT_EQ(enter("2001:db8:0:2::1"), std::nullopt);
  EXPECT_EQ(admission_.sources_tracked(Family::V6), 2U);
}

TEST_F(AdmissionTest, TakesAV4PeerOfADualStackSocketForTheSameSource) {
  options_.per_source.max = 1;
  admission_.apply(options_);
  EXPECT_EQ(enter("192.0.2.1"), std::nullopt);
  EXPECT_EQ(enter("::ffff:192.0.2.1"), Refusal::LimitSourceCount);
}

TEST_F(AdmissionTest, KeepsExemptSourcesOutOfTheTable) {
  options_.per_source.max = 1;
  options_.per_source.exempt = {cidr("127.0.0.0/8"), cidr("::1/128")};
  admission_.apply(options_);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(enter("127.0.0.1"), std::nullopt);
    EXPECT_EQ(enter("::1"), std::nullopt);
  }
  EXPECT_EQ(admission_.sources_tracked(Family::V4), 0U);
  EXPECT_EQ(admission_.sources_tracked(Family::V6), 0U);
}

TEST_F(AdmissionTest, RefusesWhomTheDenyListHoldsThoughAllowed) {
  admission_.apply(public_, {.allow = {cidr("10.0.0.0/8")}, .deny = {cidr("10.1.0.0/16")}});
  EXPECT_EQ(enter("10.0.0.1"), std::nullopt);
  EXPECT_EQ(enter("10.1.0.1"), Refusal::DenyCidr);
  EXPECT_EQ(enter("192.0.2.1"), Refusal::DenyCidr);
  EXPECT_EQ(enter("2001:db8::1"), Refusal::DenyCidr);
}

TEST_F(AdmissionTest, LetsEveryoneInWhenTheAllowListIsEmpty) {
  admission_.apply(public_, {.deny = {cidr("10.0.0.0/8")}});
  EXPECT_EQ(enter("10.0.0.1"), Refusal::DenyCidr);
  EXPECT_EQ(enter("192.0.2.1"), std::nullopt);
  EXPECT_EQ(enter("2001:db8::1"), std::nullopt);
}

TEST_F(AdmissionTest, AsksAUnixPeerForNeitherAddressNorSource) {
  options_.max_connections = 3;
  options_.per_source.max = 1;
  options_.per_source.rate = base::Rate{1};
  options_.per_source.burst = 1;
  admission_.apply(options_);
  admission_.apply(public_, {.allow = {cidr("10.0.0.0/8")}, .deny = {cidr("0.0.0.0/0")}});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(enter(public_, net::IpAddress{}), std::nullopt);
  EXPECT_EQ(enter(public_, net::IpAddress{}), Refusal::LimitGlobal);
}

TEST_F(AdmissionTest, NamesTheFirstCheckThatHits) {
  options_.max_connections = 1;
  options_.per_source.max = 1;
  options_.per_source.rate = base::Rate{20};
  options_.per_source.burst = 1;
  admission_.apply(options_);
  admission_.apply(public_, {.max_connections = 1, .deny = {cidr("192.0.2.1")}});
  auto& other = admission_.add_listener(base::ListenerId{2}, ListenerLimits{});
  ASSERT_EQ(enter("192.0.2.2"), std::nullopt);

  EXPECT_EQ(enter("192.0.2.1"), Refusal::DenyCidr);
  EXPECT_EQ(enter("192.0.2.2"), Refusal::LimitSourceRate);
  now_ += 50ms;
  EXPECT_EQ(enter("192.0.2.2"), Refusal::LimitSourceCount);
  EXPECT_EQ(enter("192.0.2.3"), Refusal::LimitListener);
  EXPECT_EQ(enter(other, ip("192.0.2.4")), Refusal::LimitGlobal);
}

TEST_F(AdmissionTest, LeavesNothingTakenWhenALaterCheckRefuses) {
  options_.max_connections = 1;
  options_.per_source.max = 1;
  admission_.apply(options_);
  auto& other = admission_.add_listener(base::ListenerId{2}, {.max_connections = 1});
  ASSERT_EQ(enter("192.0.2.1"), std::nullopt);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(enter(other, ip("192.0.2.2")), Refusal::LimitGlobal);
  EXPECT_EQ(other.open(), 0U);
  EXPECT_EQ(admission_.open(), 1U);
  one_leaves();
  EXPECT_EQ(enter(other, ip("192.0.2.2")), std::nullopt);
}

TEST_F(AdmissionTest, TakesATokenForAnAttemptThatALaterCheckRefuses) {
  options_.max_connections = 1;
  options_.per_source.rate = base::Rate{20};
  options_.per_source.burst = 2;
  admission_.apply(options_);
  ASSERT_EQ(enter("192.0.2.1"), std::nullopt);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(enter("192.0.2.2"), Refusal::LimitGlobal);
  EXPECT_EQ(enter("192.0.2.2"), Refusal::LimitSourceRate);
}

TEST_F(AdmissionTest, LetsNewSourcesPassAndCountsThemWhenTheTableIsFull) {
  options_.per_source.max = 1;
  admission_.apply(options_);
  inside_.reserve(SourceTable::kSourcesMax + 2);
  for (std::uint32_t n = 0; n < SourceTable::kSourcesMax; ++n) {
    ASSERT_EQ(enter(public_, numbered(n)), std::nullopt);
  }
  EXPECT_EQ(admission_.sources_tracked(Family::V4), SourceTable::kSourcesMax);
  EXPECT_EQ(admission_.source_table_full(), 0U);

  const auto late = numbered(SourceTable::kSourcesMax);
  EXPECT_EQ(enter(public_, late), std::nullopt);
  EXPECT_EQ(enter(public_, late), std::nullopt);
  EXPECT_EQ(admission_.source_table_full(), 2U);
  EXPECT_EQ(admission_.sources_tracked(Family::V4), SourceTable::kSourcesMax);
  EXPECT_EQ(enter(public_, numbered(0)), Refusal::LimitSourceCount);
  EXPECT_EQ(enter("2001:db8::1"), std::nullopt);
  EXPECT_EQ(admission_.sources_tracked(Family::V6), 1U);

  all_leave();
  EXPECT_EQ(enter(public_, late), std::nullopt);
  EXPECT_EQ(admission_.source_table_full(), 2U);
}

TEST_F(AdmissionTest, GivesATicketsPlacesBackOnceHoweverItIsMoved) {
  auto admitted = admission_.admit(public_, ip("192.0.2.1"), now_);
  ASSERT_TRUE(admitted.has_value());
  Ticket first = *std::move(admitted);
  Ticket second{std::move(first)};
  EXPECT_FALSE(first);
  EXPECT_TRUE(second);
  Ticket third;
  third = std::move(second);
  EXPECT_EQ(admission_.open(), 1U);
  third = Ticket{};
  EXPECT_FALSE(third);
  EXPECT_EQ(admission_.open(), 0U);
}

TEST_F(AdmissionTest, GivesATicketsPlacesBackWhenAnotherIsMovedOverIt) {
  auto one = admission_.admit(public_, ip("192.0.2.1"), now_);
  auto other = admission_.admit(public_, ip("192.0.2.2"), now_);
  ASSERT_TRUE(one.has_value() && other.has_value());
  *one = *std::move(other);
  EXPECT_EQ(admission_.open(), 1U);
  EXPECT_TRUE(*one);
}

}  // namespace
}  // namespace chatgate::admission
