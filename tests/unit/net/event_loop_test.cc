#include "events.h"

#include <array>
#include <atomic>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>
#include <pthread.h>

#include <chatgate/net/event_loop.h>
#include <chatgate/support/eventually.h>

namespace chatgate::net {
namespace {

using namespace std::chrono_literals;

TEST(EventLoopTest, RunsWorkOnItsOwnNamedThread) {
  EventLoop loop{"a-name-that-is-too-long"};
  EXPECT_FALSE(loop.is_current_thread());
  EXPECT_TRUE(loop.run([&] { return loop.is_current_thread(); }));
  const auto name = loop.run([] {
    std::array<char, 16> text{};
    ::pthread_getname_np(::pthread_self(), text.data(), text.size());
    return std::string{text.data()};
  });
  EXPECT_EQ(name, "a-name-that-is-");
  EXPECT_EQ(loop.name(), "a-name-that-is-too-long");
}

TEST(EventLoopTest, KeepsTheOrderOfWhatIsPosted) {
  Events events;
  EventLoop loop{"loop"};
  for (const char* word : {"one", "two", "three"}) {
    loop.post([&events, word] { events.add(word); });
  }
  EXPECT_EQ(events.next(3), (std::vector<std::string>{"one", "two", "three"}));
}

TEST(EventLoopTest, ThrowsToTheCallerWhatItsWorkThrew) {
  EventLoop loop{"loop"};
  EXPECT_THROW(loop.run([] { throw std::runtime_error{"no"}; }), std::runtime_error);
  EXPECT_EQ(loop.run([] { return 42; }), 42);
}

TEST(EventLoopTest, TicksAndTellsHowLateItIs) {
  Events events;
  std::atomic<bool> was_early = false;
  EventLoop loop{"loop", [&](auto lateness) {
                   if (lateness < 0s) was_early = true;
                   events.add("tick");
                 }};
  EXPECT_EQ(events.next(3), std::vector<std::string>(3, "tick"));
  EXPECT_FALSE(was_early);
  EXPECT_TRUE(support::eventually([&] { return loop.since_last_tick() < 200ms; }));
}

TEST(EventLoopTest, SaysForHowLongItHasNotTicked) {
  EventLoop loop{"loop"};
  std::promise<void> go_on;
  loop.post([blocked = go_on.get_future()] { blocked.wait(); });
  EXPECT_TRUE(support::eventually([&] { return loop.since_last_tick() > 300ms; }));
  go_on.set_value();
  EXPECT_TRUE(support::eventually([&] { return loop.since_last_tick() < 200ms; }));
}

TEST(EventLoopTest, FiresTheTimersOfItsWheel) {
  struct Alarm final : Timer {
    explicit Alarm(std::promise<base::Clock::time_point>& rung) : rung{rung} {}
    void on_deadline() override { rung.set_value(base::Clock::now()); }
    std::promise<base::Clock::time_point>& rung;
  };
  std::promise<base::Clock::time_point> rung;
  Alarm alarm{rung};
  EventLoop loop{"loop"};
  const auto deadline = base::Clock::now() + 150ms;
  loop.run([&] { loop.timers().arm(alarm, deadline); });
  EXPECT_GE(rung.get_future().get(), deadline);
}

TEST(EventLoopTest, CountsTheProcessorTimeOfItsThreadAlone) {
  EventLoop loop{"loop"};
  const auto idle = loop.run([&] { return loop.cpu_time(); });
  loop.run([&] {
    const auto until = loop.cpu_time() + 20ms;
    while (loop.cpu_time() < until) {
    }
  });
  EXPECT_GE(loop.cpu_time() - idle, 20ms);
}

void post_without_end(EventLoop& loop, const std::shared_ptr<int>& held) {
  loop.post([&loop, held] { post_without_end(loop, held); });
}

TEST(EventLoopTest, DropsWhatIsPendingWhenItEnds) {
  const auto held = std::make_shared<int>(0);
  {
    EventLoop loop{"loop"};
    post_without_end(loop, held);
  }
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace chatgate::net
