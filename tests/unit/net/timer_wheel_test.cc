#include <functional>
#include <limits>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <chatgate/net/timer_wheel.h>

namespace chatgate::net {
namespace {

using namespace std::chrono_literals;

using Clock = TimerWheel::Clock;

struct TestTimer final : Timer {
  explicit TestTimer(std::function<void()> action = [] {}) : on_fire{std::move(action)} {}
  void on_deadline() override {
    ++fired;
    on_fire();
  }

  std::function<void()> on_fire;
  int fired = 0;
};

class TimerWheelTest : public ::testing::Test {
 protected:
  // Moves the simulated clock and the wheel with it.
  void pass(Clock::duration span) {
    before_ = now_;
    now_ += span;
    wheel_.advance(now_);
  }

  Clock::duration up_to(Clock::duration most) {
    return Clock::duration{std::uniform_int_distribution<Clock::rep>{0, most.count()}(random_)};
  }

  // Not a whole number of ticks since the clock's epoch, as in life.
  const Clock::time_point start_{1234567891234ns};
  Clock::time_point before_ = start_;  // The time of the advance before the last.
  Clock::time_point now_ = start_;
  TimerWheel wheel_{start_};
  std::mt19937 random_{20240229};
};

TEST_F(TimerWheelTest, FiresAtTheFirstTickAfterTheDeadline) {
  TestTimer timer;
  wheel_.arm(timer, start_ + 101ms);
  pass(199ms);
  EXPECT_EQ(timer.fired, 0);
  pass(1ms);
  EXPECT_EQ(timer.fired, 1);
  pass(1h);
  EXPECT_EQ(timer.fired, 1);
}

TEST_F(TimerWheelTest, FiresAtTheTickThatIsTheDeadline) {
  TestTimer timer;
  wheel_.arm(timer, start_ + 300ms);
  pass(300ms - 1ns);
  EXPECT_EQ(timer.fired, 0);
  pass(1ns);
  EXPECT_EQ(timer.fired, 1);
}

TEST_F(TimerWheelTest, FiresAPassedDeadlineAtTheNextTick) {
  pass(1050ms);
  TestTimer timer;
  wheel_.arm(timer, start_ - 1h);
  EXPECT_EQ(timer.fired, 0);
  EXPECT_EQ(wheel_.next_tick(), start_ + 1100ms);
  pass(50ms);
  EXPECT_EQ(timer.fired, 1);
}

TEST_F(TimerWheelTest, FiresNeverEarlyAndAtMostOneTickLateUpToTwoHours) {
  struct Dated {
    TestTimer timer;
    Clock::time_point deadline;
  };
  std::vector<Dated> all(3000);
  for (auto& one : all) {
    one.deadline = start_ + up_to(2h);
    one.timer.on_fire = [this, &one] {
      EXPECT_GE(now_, one.deadline);
      EXPECT_LT(before_, one.deadline + TimerWheel::kTick);
    };
    wheel_.arm(one.timer, one.deadline);
  }
  while (now_ < start_ + 2h + TimerWheel::kTick) pass(up_to(2s));
  for (const auto& one : all) EXPECT_EQ(one.timer.fired, 1);
}

TEST_F(TimerWheelTest, MovesADeadlineLater) {
  TestTimer timer;
  wheel_.arm(timer, start_ + 1s);
  for (int i = 0; i < 100; ++i) {
    wheel_.arm(timer, now_ + 1s);
    pass(900ms);
  }
  EXPECT_EQ(timer.fired, 0);
  pass(100ms);
  EXPECT_EQ(timer.fired, 1);
}

TEST_F(TimerWheelTest, MovesADeadlineEarlier) {
  TestTimer timer;
  wheel_.arm(timer, start_ + 1h);
  wheel_.arm(timer, start_ + 200ms);
  pass(199ms);
  EXPECT_EQ(timer.fired, 0);
  pass(1ms);
  EXPECT_EQ(timer.fired, 1);
}

TEST_F(TimerWheelTest, MovesADeadlineLaterAndThenEarlierThanItWas) {
  TestTimer timer;
  wheel_.arm(timer, start_ + 1s);
  wheel_.arm(timer, start_ + 1min);
  wheel_.arm(timer, start_ + 500ms);
  pass(499ms);
  EXPECT_EQ(timer.fired, 0);
  pass(1ms);
  EXPECT_EQ(timer.fired, 1);
}

TEST_F(TimerWheelTest, ForgetsADisarmedTimer) {
  TestTimer timer;
  wheel_.disarm(timer);
  wheel_.arm(timer, start_ + 1s);
  wheel_.disarm(timer);
  pass(1h);
  EXPECT_EQ(timer.fired, 0);
  wheel_.arm(timer, now_ + 1s);
  pass(1s + TimerWheel::kTick);
  EXPECT_EQ(timer.fired, 1);
}

TEST_F(TimerWheelTest, ForgetsADestroyedTimerAndKeepsItsNeighbours) {
  TestTimer first;
  auto second = std::make_unique<TestTimer>();
  TestTimer third;
  for (auto* timer : {&first, second.get(), &third}) wheel_.arm(*timer, start_ + 1s);
  second.reset();
  pass(1s);
  EXPECT_EQ(first.fired, 1);
  EXPECT_EQ(third.fired, 1);
}

TEST_F(TimerWheelTest, LetsATimerArmItselfWhileItFires) {
  TestTimer timer;
  timer.on_fire = [&] { wheel_.arm(timer, now_ + 500ms); };
  wheel_.arm(timer, start_ + 500ms);
  for (int i = 1; i <= 10; ++i) {
    pass(500ms);
    EXPECT_EQ(timer.fired, i);
  }
}

TEST_F(TimerWheelTest, FiresOnlyOnceATimerThatArmsItselfForThePast) {
  TestTimer timer;
  timer.on_fire = [&] { wheel_.arm(timer, start_); };
  wheel_.arm(timer, start_);
  pass(TimerWheel::kTick);
  EXPECT_EQ(timer.fired, 1);
  pass(TimerWheel::kTick);
  EXPECT_EQ(timer.fired, 2);
}

TEST_F(TimerWheelTest, LetsATimerArmAnotherWhileItFires) {
  TestTimer second;
  TestTimer first{[&] { wheel_.arm(second, now_ + 100ms); }};
  wheel_.arm(first, start_ + 100ms);
  pass(100ms);
  EXPECT_EQ(second.fired, 0);
  pass(100ms);
  EXPECT_EQ(second.fired, 1);
}

TEST_F(TimerWheelTest, LetsATimerDestroyAnotherOfItsTick) {
  std::unique_ptr<TestTimer> timers[2];
  int fired = 0;
  for (const int i : {0, 1}) {
    timers[i] = std::make_unique<TestTimer>([&, i] {
      ++fired;
      timers[1 - i].reset();
    });
    wheel_.arm(*timers[i], start_ + 1s);
  }
  pass(1s);
  EXPECT_EQ(fired, 1);
}

TEST_F(TimerWheelTest, LetsATimerDestroyItself) {
  auto* timer = new TestTimer;
  bool fired = false;
  timer->on_fire = [&fired, timer] {
    fired = true;
    delete timer;
  };
  wheel_.arm(*timer, start_ + 1s);
  pass(1s);
  EXPECT_TRUE(fired);
  pass(1h);
}

TEST_F(TimerWheelTest, KeepsADeadlineBeyondItsHorizon) {
  constexpr auto kHorizon = TimerWheel::kTick * (std::int64_t{1} << 32);
  TestTimer beyond;
  wheel_.arm(beyond, start_ + kHorizon + 300ms);
  TestTimer never;
  wheel_.arm(never, Clock::time_point::max());
  pass(2h);
  EXPECT_EQ(beyond.fired, 0);
  EXPECT_EQ(never.fired, 0);
}

// A timer and what a wheel that does everything the slow way would know about it.
struct ModelTimer {
  TestTimer timer;
  bool is_armed = false;
  Clock::time_point due;  // The deadline, or when it was armed if that was later.
};

TEST_F(TimerWheelTest, AgreesWithASlowModelUnderRandomOperations) {
  std::vector<std::unique_ptr<ModelTimer>> all(200);
  const auto renew = [this](std::unique_ptr<ModelTimer>& slot) {
    slot = std::make_unique<ModelTimer>();
    slot->timer.on_fire = [this, &model = *slot] {
      EXPECT_TRUE(model.is_armed);
      EXPECT_GE(now_, model.due);
      EXPECT_LT(before_, model.due + TimerWheel::kTick);
      model.is_armed = false;
    };
  };
  for (auto& slot : all) renew(slot);
  for (int step = 0; step < 20'000; ++step) {
    auto& slot = all[random_() % all.size()];
    switch (random_() % 8) {
      case 0:
        renew(slot);
        break;
      case 1:
        wheel_.disarm(slot->timer);
        slot->is_armed = false;
        break;
      default:
        const auto deadline = now_ - 1s + up_to(random_() % 4 == 0 ? 5min : 10s);
        wheel_.arm(slot->timer, deadline);
        slot->is_armed = true;
        slot->due = std::max(deadline, now_);
    }
    pass(up_to(random_() % 100 == 0 ? 3min : 200ms));
    if (step % 100 != 0) continue;
    for (const auto& model : all) {
      EXPECT_FALSE(model->is_armed && model->due + TimerWheel::kTick <= now_);
    }
  }
}

// A cost that grows with the number of timers, for arming, moving or firing, would be some 10^12
// steps here.
TEST_F(TimerWheelTest, KeepsAMillionTimersAtAConstantPriceEach) {
  struct Counting final : Timer {
    void on_deadline() override { ++fired; }
    int fired = 0;
  };
  std::vector<Counting> timers(1'000'000);
  for (auto& timer : timers) wheel_.arm(timer, start_ + 1min);
  for (auto& timer : timers) wheel_.arm(timer, start_ + 2min);
  for (int i = 0; i < 12; ++i) pass(10s - 1ns);
  for (const auto& timer : timers) ASSERT_EQ(timer.fired, 0);
  pass(10s);
  for (const auto& timer : timers) ASSERT_EQ(timer.fired, 1);
}

}  // namespace
}  // namespace chatgate::net
