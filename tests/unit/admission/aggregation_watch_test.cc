#include "admission_fixture.h"

#include <random>

#include <chatgate/admission/aggregation_watch.h>

namespace chatgate::admission {
namespace {

class AggregationWatchTest : public ::testing::Test {
 protected:
  static constexpr auto kWindow = AggregationWatch::kWindow;
  static constexpr auto kEnough = AggregationWatch::kSuspectedFrom;

  // So many connections from `source`, the rest of the window from all over the internet.
  void window(std::uint32_t from_source, std::string_view source, std::uint32_t from_other = 0,
              std::string_view other = "10.0.0.2") {
    for (std::uint32_t i = 0; i < kWindow; ++i) {
      if (i < from_source) {
        watch_.note(ip(source));
      } else if (i < from_source + from_other) {
        watch_.note(ip(other));
      } else {
        net::IpAddress address{.family = net::IpAddress::Family::V4};
        address.bytes = {8, static_cast<std::uint8_t>(random_()), static_cast<std::uint8_t>(i), 1};
        watch_.note(address);
      }
    }
  }

  std::mt19937 random_{1935};
  AggregationWatch watch_;
};

TEST_F(AggregationWatchTest, SuspectsOneOrTwoPrivateAddresses) {
  window(kWindow, "10.0.0.1");
  EXPECT_TRUE(watch_.is_suspected());
  window(kEnough / 2, "192.168.1.1", kEnough - kEnough / 2);
  EXPECT_TRUE(watch_.is_suspected());
}

TEST_F(AggregationWatchTest, SuspectsNobodyBelowNineTenths) {
  window(kEnough - 30, "10.0.0.1");
  EXPECT_FALSE(watch_.is_suspected());
  window(100, "10.0.0.1", 100);
  EXPECT_FALSE(watch_.is_suspected());
}

TEST_F(AggregationWatchTest, SuspectsNoPublicAddress) {
  window(kWindow, "192.0.2.1");
  EXPECT_FALSE(watch_.is_suspected());
  window(kEnough / 2, "10.0.0.1", kEnough / 2, "192.0.2.1");
  EXPECT_FALSE(watch_.is_suspected());
}

TEST_F(AggregationWatchTest, SuspectsNobodyBeforeAWholeWindow) {
  for (std::uint32_t i = 0; i + 1 < kWindow; ++i) watch_.note(ip("fd00::1"));
  EXPECT_FALSE(watch_.is_suspected());
  watch_.note(ip("fd00::1"));
  EXPECT_TRUE(watch_.is_suspected());
}

TEST_F(AggregationWatchTest, TakesASuspicionBack) {
  window(kWindow, "10.0.0.1");
  window(0, "10.0.0.1");
  EXPECT_FALSE(watch_.is_suspected());
}

using AggregationTest = AdmissionTest;

TEST_F(AggregationTest, LooksAtThoseWhomALimitWouldBound) {
  const auto come = [&](ListenerSlot& listener) {
    for (std::uint32_t i = 0; i < AggregationWatch::kWindow; ++i) {
      [[maybe_unused]] const auto ignored = admission_.admit(listener, ip("10.0.0.1"), now_);
    }
  };
  auto& behind_proxy = admission_.add_listener(base::ListenerId{2}, {.needs_proxy_header = true});
  come(behind_proxy);
  EXPECT_FALSE(admission_.is_aggregation_suspected());
  options_.per_source.exempt = {cidr("10.0.0.0/8")};
  admission_.apply(options_);
  come(public_);
  EXPECT_FALSE(admission_.is_aggregation_suspected());
  options_.per_source.exempt.clear();
  admission_.apply(options_);
  come(public_);
  EXPECT_TRUE(admission_.is_aggregation_suspected());
}

}  // namespace
}  // namespace chatgate::admission
