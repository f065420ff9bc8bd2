#include "admission_fixture.h"

namespace chatgate::admission {
namespace {

using namespace std::chrono_literals;

class AdmissionModesTest : public AdmissionTest {
 protected:
  // Every connection that a test lets in would be one too many for some limit.
  void apply(Mode limits, Mode per_source) {
    options_.mode = limits;
    options_.per_source.mode = per_source;
    admission_.apply(options_);
  }

  std::uint64_t would_reject_total() const {
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < kRefusalCount; ++i) {
      total += admission_.would_reject(static_cast<Refusal>(i));
    }
    return total;
  }
};

TEST_F(AdmissionModesTest, CountsWhoIsBeyondTheGlobalLimitWhenObserving) {
  options_.max_connections = 2;
  apply(Mode::Observe, Mode::Enforce);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(enter("192.0.2.1"), std::nullopt);
  EXPECT_EQ(admission_.open(), 5U);
  EXPECT_EQ(admission_.would_reject(Refusal::LimitGlobal), 3U);
  EXPECT_EQ(would_reject_total(), 3U);
  all_leave();
  EXPECT_EQ(admission_.open(), 0U);
  EXPECT_EQ(public_.open(), 0U);
}

TEST_F(AdmissionModesTest, CountsWhoIsBeyondTheListenersLimitWhenObserving) {
  options_.max_connections = 2;
  apply(Mode::Observe, Mode::Enforce);
  admission_.apply(public_, {.max_connections = 1});
  for (int i = 0; i < 5; ++i) EXPECT_EQ(enter("192.0.2.1"), std::nullopt);
  EXPECT_EQ(admission_.would_reject(Refusal::LimitListener), 4U);
  EXPECT_EQ(would_reject_total(), 4U);
}

TEST_F(AdmissionModesTest, CountsASourceBeyondItsLimitsWhenObserving) {
  options_.per_source.max = 2;
  options_.per_source.rate = base::Rate{20};
  options_.per_source.burst = 4;
  apply(Mode::Enforce, Mode::Observe);
  for (int i = 0; i < 7; ++i) EXPECT_EQ(enter("192.0.2.1"), std::nullopt);
  EXPECT_EQ(admission_.would_reject(Refusal::LimitSourceCount), 2U);
  EXPECT_EQ(admission_.would_reject(Refusal::LimitSourceRate), 3U);
  EXPECT_EQ(would_reject_total(), 5U);
}

TEST_F(AdmissionModesTest, CountsEachConnectionUnderItsFirstReasonOnlyWhenObserving) {
  options_.max_connections = 1;
  options_.per_source.max = 1;
  apply(Mode::Observe, Mode::Observe);
  EXPECT_EQ(enter("192.0.2.1"), std::nullopt);
  EXPECT_EQ(enter("192.0.2.1"), std::nullopt);
  EXPECT_EQ(admission_.would_reject(Refusal::LimitSourceCount), 1U);
  EXPECT_EQ(would_reject_total(), 1U);
}

TEST_F(AdmissionModesTest, StillEnforcesTheGlobalLimitWhenItObservesSources) {
  options_.max_connections = 2;
  options_.per_source.max = 1;
  apply(Mode::Enforce, Mode::Observe);
  EXPECT_EQ(enter("192.0.2.1"), std::nullopt);
  EXPECT_EQ(enter("192.0.2.1"), std::nullopt);
  EXPECT_EQ(enter("192.0.2.1"), Refusal::LimitGlobal);
  EXPECT_EQ(admission_.would_reject(Refusal::LimitSourceCount), 2U);
  all_leave();
  options_.per_source.mode = Mode::Enforce;
  admission_.apply(options_);
  EXPECT_EQ(enter("192.0.2.1"), std::nullopt);
}

TEST_F(AdmissionModesTest, LooksAtNoLimitThatIsOff) {
  options_.max_connections = 1;
  options_.per_source.max = 1;
  apply(Mode::Off, Mode::Off);
  admission_.apply(public_, {.max_connections = 1});
  for (int i = 0; i < 5; ++i) EXPECT_EQ(enter("192.0.2.1"), std::nullopt);
  EXPECT_EQ(would_reject_total(), 0U);
  EXPECT_EQ(admission_.sources_tracked(Family::V4), 0U);
  EXPECT_EQ(admission_.open(), 5U);
}

TEST_F(AdmissionModesTest, EnforcesAccessListsInEveryMode) {
  for (const Mode mode : {Mode::Enforce, Mode::Observe, Mode::Off}) {
    apply(mode, mode);
    admission_.apply(public_, {.deny = {cidr("192.0.2.0/24")}});
    EXPECT_EQ(enter("192.0.2.1"), Refusal::DenyCidr);
  }
  EXPECT_EQ(would_reject_total(), 0U);
}

TEST_F(AdmissionModesTest, RefusesNewOnesWhenObservingEndsAboveTheLimit) {
  options_.max_connections = 1;
  options_.per_source.max = 1;
  apply(Mode::Observe, Mode::Observe);
  for (int i = 0; i < 3; ++i) ASSERT_EQ(enter("192.0.2.1"), std::nullopt);
  apply(Mode::Enforce, Mode::Enforce);
  EXPECT_EQ(enter("192.0.2.1"), Refusal::LimitSourceCount);
  EXPECT_EQ(enter("192.0.2.2"), Refusal::LimitGlobal);
  all_leave();
  EXPECT_EQ(enter("192.0.2.1"), std::nullopt);
}

}  // namespace
}  // namespace chatgate::admission
