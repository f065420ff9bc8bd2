#include "events.h"

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <chatgate/net/alarm.h>

namespace chatgate::net {
namespace {

using namespace std::chrono_literals;

using Clock = EventLoop::Clock;

class AlarmTest : public ::testing::Test {
 protected:
  AlarmTest() {
    loop_.run([this] {
      alarm_ = std::make_unique<Alarm>(loop_);
      later_ = std::make_unique<Alarm>(loop_);
      later_->set(Clock::now() + 300ms, [this] { events_.add("later"); });
    });
  }
  ~AlarmTest() override {
    loop_.run([this] {
      alarm_.reset();
      later_.reset();
    });
  }

  Events events_;
  EventLoop loop_{"loop"};
  std::unique_ptr<Alarm> alarm_;
  std::unique_ptr<Alarm> later_;  // What has not happened when this rings does not happen.
};

TEST_F(AlarmTest, DoesItsActionOnceAtItsTime) {
  const auto when = Clock::now() + 50ms;
  loop_.run([&] {
    alarm_->set(when, [this, when] { events_.add(Clock::now() < when ? "early" : "done"); });
  });
  EXPECT_EQ(events_.next(2), (std::vector<std::string>{"done", "later"}));
}

TEST_F(AlarmTest, DoesOnlyWhatWasSetLast) {
  loop_.run([this] {
    alarm_->set(Clock::now() + 50ms, [this] { events_.add("first"); });
    alarm_->set(Clock::now() + 150ms, [this] { events_.add("second"); });
  });
  EXPECT_EQ(events_.next(2), (std::vector<std::string>{"second", "later"}));
}

TEST_F(AlarmTest, ForgetsItsActionWhenItIsCancelledOrDestroyed) {
  loop_.run([this] {
    alarm_->set(Clock::now() + 50ms, [this] { events_.add("cancelled"); });
    alarm_->cancel();
    Alarm destroyed{loop_};
    destroyed.set(Clock::now() + 50ms, [this] { events_.add("destroyed"); });
  });
  EXPECT_EQ(events_.next(), "later");
}

TEST_F(AlarmTest, CanBeSetAgainByItsAction) {
  loop_.run([this] {
    alarm_->set(Clock::now(), [this] {
      alarm_->set(Clock::now(), [this] { events_.add("second"); });
      events_.add("first");
    });
  });
  EXPECT_EQ(events_.next(2), (std::vector<std::string>{"first", "second"}));
}

TEST_F(AlarmTest, CanBeDestroyedByItsAction) {
  loop_.run([this] {
    alarm_->set(Clock::now(), [this, word = std::string(100, 'x')] {
      alarm_.reset();
      events_.add(word);
    });
  });
  EXPECT_EQ(events_.next(), std::string(100, 'x'));
}

}  // namespace
}  // namespace chatgate::net
