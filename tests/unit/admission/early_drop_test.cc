#include "admission_fixture.h"

#include <atomic>
#include <thread>

namespace chatgate::admission {
namespace {

class EarlyDropTest : public AdmissionTest {
 protected:
  EarlyDropTest() { limit(100); }

  void limit(std::uint32_t places) {
    options_.max_connections = places;
    admission_.apply(options_);
  }
  void fill(std::uint32_t places) {
    while (admission_.open() < places) ASSERT_EQ(enter("192.0.2.1"), std::nullopt);
  }
  // Of so many who come and leave again at once, how many are refused for `reason`.
  int refused(Refusal reason, int tries = 10'000) {
    int count = 0;
    for (int i = 0; i < tries; ++i) {
      const auto admitted = admission_.admit(public_, ip("192.0.2.1"), now_);
      if (!admitted && admitted.error() == reason) ++count;
    }
    return count;
  }

  Pressure overload_{.mode = Mode::Enforce, .is_overloaded = true, .counts_places = true};
};

TEST_F(EarlyDropTest, RefusesNobodyWithoutAnOverload) {
  fill(99);
  EXPECT_EQ(refused(Refusal::Overload), 0);
  overload_.is_overloaded = false;
  overload_.memory = 0.99;
  admission_.set_pressure(overload_);
  EXPECT_EQ(refused(Refusal::Overload), 0);
}

TEST_F(EarlyDropTest, RefusesNobodyBelowFourFifths) {
  admission_.set_pressure(overload_);
  fill(80);
  EXPECT_EQ(refused(Refusal::Overload), 0);
}

// 10,000 draws: half a percent is the standard deviation at most.
TEST_F(EarlyDropTest, RefusesMoreTheFewerPlacesAreLeft) {
  fill(90);
  admission_.set_pressure(overload_);
  EXPECT_NEAR(refused(Refusal::Overload), 5000, 300);
  admission_.set_pressure({});
  fill(99);
  admission_.set_pressure(overload_);
  EXPECT_NEAR(refused(Refusal::Overload), 9500, 300);
}

TEST_F(EarlyDropTest, NamesTheLimitWhenThereIsNoPlaceAtAll) {
  fill(100);
  overload_.memory = 1;
  admission_.set_pressure(overload_);
  EXPECT_EQ(refused(Refusal::LimitGlobal), 10'000);
}

TEST_F(EarlyDropTest, RefusesByTheMemoryInUseAsWell) {
  overload_.memory = 0.85;
  admission_.set_pressure(overload_);
  EXPECT_NEAR(refused(Refusal::Overload), 2500, 300);
}

TEST_F(EarlyDropTest, RefusesEverybodyWhenTheBudgetIsUsedUp) {
  for (const bool is_overloaded : {false, true}) {
    overload_.is_overloaded = is_overloaded;
    for (const double memory : {1.0, 1.7}) {
      overload_.memory = memory;
      admission_.set_pressure(overload_);
      EXPECT_EQ(refused(Refusal::Memory), 10'000);
    }
  }
}

TEST_F(EarlyDropTest, LooksAtNoPlacesWhereClientsWaitForOne) {
  fill(99);
  overload_.counts_places = false;
  admission_.set_pressure(overload_);
  EXPECT_EQ(refused(Refusal::Overload), 0);
}

TEST_F(EarlyDropTest, GivesBackWhatARefusedOneHeld) {
  overload_.memory = 1;
  admission_.set_pressure(overload_);
  EXPECT_EQ(enter("192.0.2.1"), Refusal::Memory);
  EXPECT_EQ(admission_.open(), 0U);
  EXPECT_EQ(public_.open(), 0U);
  admission_.set_pressure({});
  options_.per_source.max = 1;
  admission_.apply(options_);
  EXPECT_EQ(enter("192.0.2.1"), std::nullopt);
}

TEST_F(EarlyDropTest, OnlyCountsWhenObserving) {
  fill(90);
  overload_.mode = Mode::Observe;
  admission_.set_pressure(overload_);
  EXPECT_EQ(refused(Refusal::Overload), 0);
  EXPECT_NEAR(static_cast<double>(admission_.would_reject(Refusal::Overload)), 5000, 300);
  overload_.memory = 1;
  admission_.set_pressure(overload_);
  EXPECT_EQ(refused(Refusal::Memory), 0);
  EXPECT_EQ(admission_.would_reject(Refusal::Memory), 10'000U);
}

TEST_F(EarlyDropTest, CountsNothingTwice) {
  overload_.mode = Mode::Observe;
  overload_.memory = 1;
  admission_.set_pressure(overload_);
  options_.mode = Mode::Observe;
  limit(2);
  fill(2);
  const auto before = admission_.would_reject(Refusal::Memory);
  EXPECT_EQ(enter("192.0.2.1"), std::nullopt);
  EXPECT_EQ(admission_.would_reject(Refusal::LimitGlobal), 1U);
  EXPECT_EQ(admission_.would_reject(Refusal::Memory), before);
}

TEST_F(EarlyDropTest, SleepsInModeOff) {
  fill(99);
  overload_.mode = Mode::Off;
  overload_.memory = 1;
  admission_.set_pressure(overload_);
  EXPECT_EQ(refused(Refusal::Overload) + refused(Refusal::Memory), 0);
}

TEST_F(EarlyDropTest, RemembersThatSomebodyFoundNoPlace) {
  EXPECT_FALSE(admission_.was_full());
  fill(100);
  EXPECT_TRUE(admission_.was_full());
  one_leaves();
  EXPECT_FALSE(admission_.was_full());
  fill(100);
  EXPECT_EQ(enter("192.0.2.1"), Refusal::LimitGlobal);
  one_leaves();
  EXPECT_TRUE(admission_.was_full());
  EXPECT_FALSE(admission_.was_full());
}

TEST_F(EarlyDropTest, IsExactWhileThePressureChanges) {
  constexpr int kThreads = 4;
  std::atomic<bool> is_over{false};
  std::thread weather{[&] {
    for (int i = 0; !is_over; ++i) {
      overload_.memory = i % 3 == 0 ? 1 : 0.9;
      admission_.set_pressure(i % 5 == 0 ? Pressure{} : overload_);
    }
  }};
  std::vector<std::thread> clients;
  std::atomic<std::uint32_t> most{0};
  for (int i = 0; i < kThreads; ++i) {
    clients.emplace_back([&] {
      std::vector<Ticket> mine;
      for (int j = 0; j < 20'000; ++j) {
        auto admitted = admission_.admit(public_, ip("192.0.2.1"), now_);
        if (admitted) mine.push_back(*std::move(admitted));
        const auto open = admission_.open();
        if (open > most) most = open;
        if (j % 50 == 0) mine.clear();
      }
    });
  }
  for (auto& client : clients) client.join();
  is_over = true;
  weather.join();
  EXPECT_LE(most, 100U);
  EXPECT_EQ(admission_.open(), 0U);
}

}  // namespace
}  // namespace chatgate::admission
