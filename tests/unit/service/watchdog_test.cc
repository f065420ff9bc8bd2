#include <chrono>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chatgate/service/watchdog.h>
#include <chatgate/support/temp_dir.h>

namespace chatgate::service {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr seconds kPeriod{8};
constexpr milliseconds kStep{50};  // How often the main thread looks.

// Two threads that tick at every step until they are told to hang, and a clock of our own.
class WatchdogTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(log_.apply({.output = "file:" + file_}), std::nullopt); }

  // Lives on for so long. What must not take time in a test takes none.
  void live(std::chrono::nanoseconds time) {
    for (const auto end = now_ + time; now_ < end;) {
      now_ += kStep;
      if (!worker_hangs_) worker_ticked_at_ = now_;
      acceptor_ticked_at_ = now_;
      dog_.look(now_);
    }
  }

  Watchdog make(std::chrono::nanoseconds period) {
    return {period,
            {{"worker-0", [this] { return now_ - worker_ticked_at_; }},
             {"acceptor-0", [this] { return now_ - acceptor_ticked_at_; }}},
            log_,
            [this](const std::string& state) { told_.push_back(state); }};
  }

  // Looks until the line about the culprit is written, which is the log's own thread's to do.
  void look_until_triggered() {
    const auto patience = Watchdog::Clock::now() + seconds{20};
    while (told_.empty() && Watchdog::Clock::now() < patience) dog_.look(now_);
  }

  support::TempDir folder_;
  const std::string file_ = folder_.file("log");
  telemetry::Log log_;
  Watchdog::Clock::time_point now_ = Watchdog::Clock::now();
  Watchdog::Clock::time_point worker_ticked_at_ = now_;
  Watchdog::Clock::time_point acceptor_ticked_at_ = now_;
  bool worker_hangs_ = false;
  std::vector<std::string> told_;
  Watchdog dog_ = make(kPeriod);
};

TEST_F(WatchdogTest, IsFedFourTimesInAPeriod) {
  live(kPeriod * 10);
  EXPECT_GE(told_.size(), 38U);
  EXPECT_LE(told_.size(), 40U);
  EXPECT_THAT(told_, Each(std::string{"WATCHDOG=1"}));
}

TEST_F(WatchdogTest, SaysNothingWhenNobodyListens) {
  auto dog = make(seconds{0});
  for (int i = 0; i < 1000; ++i) dog.look(now_ += kStep);
  dog.look_at_main(now_ + kPeriod);
  EXPECT_THAT(told_, IsEmpty());
}

TEST_F(WatchdogTest, IsNotFedWhileAThreadHangs) {
  live(kPeriod);
  worker_hangs_ = true;
  live(kPeriod / 4);
  told_.clear();
  live(kPeriod / 4);
  EXPECT_THAT(told_, IsEmpty());
  worker_hangs_ = false;
  live(kStep);
  EXPECT_THAT(told_, ElementsAre("WATCHDOG=1"));
}

TEST_F(WatchdogTest, NamesTheThreadThatHangsThenAsksForARestart) {
  live(kPeriod);
  worker_hangs_ = true;
  live(kPeriod / 2);
  told_.clear();
  live(kPeriod / 4 + kStep);
  look_until_triggered();
  EXPECT_THAT(told_, ElementsAre("WATCHDOG=trigger"));
  const auto line = folder_.read("log");
  EXPECT_THAT(line, HasSubstr("error event=thread_stuck thread=worker-0 pause=6."));
  EXPECT_THAT(line, Not(HasSubstr("acceptor-0")));
  live(kPeriod);
  EXPECT_EQ(told_.size(), 1U) << "the manager is asked once";
}

TEST_F(WatchdogTest, BlamesNobodyForAMachineThatStoodStill) {
  live(kPeriod);
  now_ += seconds{3600};  // A virtual machine that was paused.
  told_.clear();
  dog_.look(now_);  // Before any other thread had its turn.
  live(kPeriod * 2);
  EXPECT_THAT(told_, Each(std::string{"WATCHDOG=1"}));
  EXPECT_GE(told_.size(), 7U);
  EXPECT_THAT(folder_.read("log"), Not(HasSubstr("thread_stuck")));
}

TEST_F(WatchdogTest, IsToldOfAMainThreadThatHangs) {
  const auto tick = [&] { dog_.look_at_main(now_ += milliseconds{100}); };
  for (int i = 0; i < 200; ++i) tick();  // Before the first look it may be busy with the start.
  live(kPeriod);
  for (int i = 0; i < 50; ++i) tick();
  EXPECT_EQ(log_.counts().written, 0U);
  for (int i = 0; i < 50; ++i) tick();
  const auto patience = Watchdog::Clock::now() + seconds{20};
  while (log_.counts().written == 0 && Watchdog::Clock::now() < patience) {
  }
  EXPECT_THAT(folder_.read("log"), HasSubstr("error event=thread_stuck thread=main pause=6."));
}

}  // namespace
}  // namespace chatgate::service
