#include "admission_fixture.h"
#include "threads.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace chatgate::admission {
namespace {

using namespace std::chrono_literals;

using AdmissionThreadsTest = AdmissionTest;

TEST_F(AdmissionThreadsTest, NeverHasOneTooManyInside) {
  options_.max_connections = 7;
  admission_.apply(options_);
  auto& narrow = admission_.add_listener(base::ListenerId{2}, {.max_connections = 5});
  Witness everyone;
  Witness in_narrow;
  // Each thread fills the gate by itself, so that each round meets the limits.
  on_all_threads([&](int i) {
    const bool is_narrow = i % 2 == 0;
    for (int round = 0; round < 2000; ++round) {
      std::vector<Ticket> tickets;
      while (true) {
        auto admitted =
            admission_.admit(is_narrow ? narrow : public_, numbered(std::uint32_t(i)), now_);
        if (!admitted) break;
        everyone.one_came();
        if (is_narrow) in_narrow.one_came();
        tickets.push_back(*std::move(admitted));
      }
      for (std::size_t held = tickets.size(); held > 0; --held) {
        everyone.one_goes();
        if (is_narrow) in_narrow.one_goes();
      }
    }
  });
  EXPECT_LE(everyone.most(), 7);
  EXPECT_LE(in_narrow.most(), 5);
  EXPECT_GE(everyone.most(), 5);
  EXPECT_EQ(admission_.open(), 0U);
  EXPECT_EQ(narrow.open(), 0U);
  EXPECT_EQ(public_.open(), 0U);
  for (int i = 0; i < 7; ++i) EXPECT_EQ(enter("192.0.2.1"), std::nullopt);
  EXPECT_EQ(enter("192.0.2.1"), Refusal::LimitGlobal);
}

TEST_F(AdmissionThreadsTest, NeverHasOneTooManyOfOneSource) {
  options_.per_source.max = 3;
  admission_.apply(options_);
  Witness witness;
  on_all_threads([&](int) {
    for (int round = 0; round < 2000; ++round) {
      std::vector<Ticket> tickets;
      while (true) {
        auto admitted = admission_.admit(public_, numbered(1), now_);
        if (!admitted) break;
        witness.one_came();
        tickets.push_back(*std::move(admitted));
      }
      for (std::size_t held = tickets.size(); held > 0; --held) witness.one_goes();
    }
  });
  EXPECT_EQ(witness.most(), 3);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(enter(public_, numbered(1)), std::nullopt);
  EXPECT_EQ(enter(public_, numbered(1)), Refusal::LimitSourceCount);
}

TEST_F(AdmissionThreadsTest, LetsExactlyTheBurstInWhoeverAsks) {
  options_.per_source.rate = base::Rate{1};
  options_.per_source.burst = 100;
  admission_.apply(options_);
  std::atomic<int> admitted{0};
  on_all_threads([&](int) {
    for (int i = 0; i < 200; ++i) {
      if (admission_.admit(public_, numbered(1), now_)) ++admitted;
    }
  });
  EXPECT_EQ(admitted.load(), 100);
}

TEST_F(AdmissionThreadsTest, ForgetsSourcesWhileOthersComeAndGo) {
  options_.per_source.max = 1;
  admission_.apply(options_);
  std::atomic<int> doubles{0};
  on_all_threads([&](int i) {
    for (std::uint32_t round = 0; round < 3000; ++round) {
      // Own sources of each thread: nobody else may be counted for them, whatever is reused.
      const auto source = numbered(static_cast<std::uint32_t>(i) << 16 | round % 500);
      auto first = admission_.admit(public_, source, now_);
      if (!first || admission_.admit(public_, source, now_)) ++doubles;
    }
  });
  EXPECT_EQ(doubles.load(), 0);
  EXPECT_EQ(admission_.open(), 0U);
}

TEST_F(AdmissionThreadsTest, StaysExactWhileOptionsChange) {
  constexpr std::uint32_t kMost = 8;
  options_.max_connections = kMost;
  options_.per_source.max = 2;
  admission_.apply(options_);
  Witness witness;
  std::atomic<bool> done{false};
  std::jthread reloader{[&] {
    auto changed = options_;
    for (std::uint8_t round = 0; !done.load(); ++round) {
      changed.max_connections = 2 + round % (kMost - 1);
      changed.per_source.v4_prefix = round % 2 == 0 ? 24 : 32;
      changed.per_source.mode = round % 3 == 0 ? Mode::Off : Mode::Enforce;
      admission_.apply(changed);
      admission_.apply(public_, {.max_connections = round % 5U, .deny = {cidr("192.0.2.0/24")}});
    }
  }};
  on_all_threads([&](int i) {
    for (int round = 0; round < 3000; ++round) {
      auto admitted = admission_.admit(public_, numbered(std::uint32_t(i)), now_);
      if (!admitted) continue;
      witness.one_came();
      witness.one_goes();
    }
  });
  done = true;
  reloader.join();
  EXPECT_LE(witness.most(), static_cast<int>(kMost));
  EXPECT_EQ(admission_.open(), 0U);
  admission_.apply(options_);
  admission_.apply(public_, ListenerLimits{});
  for (std::uint32_t i = 0; i < kMost; ++i) {
    EXPECT_EQ(enter(public_, numbered(i / 2)), std::nullopt);
  }
  EXPECT_EQ(enter(public_, numbered(99)), Refusal::LimitGlobal);
}

// What an acceptor with `over_limit: backlog` does: sleeps until the hook ran.
class Bell {
 public:
  void ring() {
    const std::lock_guard lock{mutex_};
    ++rings_;
    rang_.notify_all();
  }
  int rings() {
    const std::lock_guard lock{mutex_};
    return rings_;
  }
  // Returns false if nobody rang for so long that nobody ever will.
  bool wait_beyond(int rings) {
    std::unique_lock lock{mutex_};
    return rang_.wait_for(lock, 20s, [&] { return rings_ != rings; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable rang_;
  int rings_ = 0;
};

TEST_F(AdmissionThreadsTest, LosesNoWakeUpOfThoseWhoWait) {
  options_.max_connections = 2;
  admission_.apply(options_);
  auto& narrow = admission_.add_listener(base::ListenerId{2}, {.max_connections = 1});
  Bell bell;
  admission_.set_on_release([&bell] { bell.ring(); });
  std::atomic<int> entered{0};
  std::atomic<bool> lost{false};
  on_all_threads([&](int i) {
    auto& listener = i % 2 == 0 ? narrow : public_;
    for (int round = 0; round < 1000 && !lost; ++round) {
      while (!lost) {
        if (auto admitted = admission_.admit(listener, numbered(std::uint32_t(i)), now_)) {
          ++entered;
          std::this_thread::yield();
          break;
        }
        const int rings = bell.rings();
        admission_.announce_waiting();
        if (!admission_.has_room(listener) && !bell.wait_beyond(rings)) lost = true;
      }
    }
  });
  EXPECT_FALSE(lost.load());
  EXPECT_EQ(entered.load(), kThreads * 1000);
}

TEST_F(AdmissionThreadsTest, RingsForNobodyWhenNobodyWaits) {
  int rings = 0;
  admission_.set_on_release([&rings] { ++rings; });
  ASSERT_EQ(enter("192.0.2.1"), std::nullopt);
  all_leave();
  EXPECT_EQ(rings, 0);
  ASSERT_EQ(enter("192.0.2.1"), std::nullopt);
  admission_.announce_waiting();
  all_leave();
  EXPECT_EQ(rings, 1);
  ASSERT_EQ(enter("192.0.2.1"), std::nullopt);
  all_leave();
  EXPECT_EQ(rings, 1);
}

TEST_F(AdmissionThreadsTest, RingsWhenALaterCheckGivesAPlaceBack) {
  // While the refused one had the listener's only place, another may have gone to sleep over it.
  int rings = 0;
  admission_.set_on_release([&rings] { ++rings; });
  options_.max_connections = 1;
  admission_.apply(options_);
  auto& narrow = admission_.add_listener(base::ListenerId{2}, {.max_connections = 1});
  ASSERT_EQ(enter("192.0.2.1"), std::nullopt);
  admission_.announce_waiting();
  EXPECT_EQ(enter(narrow, ip("192.0.2.1")), Refusal::LimitGlobal);
  EXPECT_EQ(rings, 1);
}

}  // namespace
}  // namespace chatgate::admission
