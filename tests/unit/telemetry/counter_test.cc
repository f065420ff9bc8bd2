#include <thread>

#include <gtest/gtest.h>

#include <chatgate/telemetry/counter.h>

namespace chatgate::telemetry {
namespace {

TEST(CounterTest, AddsUp) {
  Counter counter;
  counter.add();
  counter.add(41);
  EXPECT_EQ(counter.value(), 42U);
}

TEST(CounterTest, NeverGoesBackForAReaderOnAnotherThread) {
  constexpr std::uint64_t kAdditions = 100'000;
  Counter counter;
  std::thread writer{[&] {
    for (std::uint64_t i = 0; i < kAdditions; ++i) counter.add();
  }};
  std::uint64_t seen = 0;
  while (seen < kAdditions) {
    const auto now = counter.value();
    EXPECT_GE(now, seen);
    seen = now;
  }
  writer.join();
  EXPECT_EQ(seen, kAdditions);
}

TEST(GaugeTest, GoesUpAndDownAndBelowZero) {
  Gauge gauge;
  gauge.set(5);
  gauge.add(-7);
  EXPECT_EQ(gauge.value(), -2);
}

TEST(SharedCounterTest, LosesNoAdditionOfSeveralThreads) {
  constexpr int kAdditions = 20'000;
  SharedCounter counter;
  const auto add_all = [&] {
    for (int i = 0; i < kAdditions; ++i) counter.add();
  };
  std::thread one{add_all};
  std::thread two{add_all};
  one.join();
  two.join();
  EXPECT_EQ(counter.value(), 2U * kAdditions);
}

}  // namespace
}  // namespace chatgate::telemetry
