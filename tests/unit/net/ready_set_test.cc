#include "events.h"
#include "socket_pair.h"

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <chatgate/net/event_loop.h>
#include <chatgate/net/unique_fd.h>
#include <chatgate/support/eventually.h>

namespace chatgate::net {
namespace {

// One end of a socket pair in the loop's set; runs `action` each time it is served.
class Watched final : private ReadySet::Handler {
 public:
  using Action = std::function<void(Watched&, std::uint32_t events)>;

  Watched(EventLoop& loop, Action action, std::uint32_t events = EPOLLIN | EPOLLET)
      : loop_{loop}, action_{std::move(action)} {
    const auto error = loop_.ready_set().add(pair_.ours.get(), events, *this);
    EXPECT_FALSE(error) << error.message();
  }
  ~Watched() { loop_.ready_set().remove(*this); }

  void make_ready() const { send_all(pair_.peer, "x"); }
  void await(std::uint32_t events) { loop_.ready_set().modify(pair_.ours.get(), events, *this); }
  void withdraw() { loop_.ready_set().withdraw(pair_.ours.get()); }
  void again() { loop_.ready_set().again(*this); }
  const SocketPair& pair() const { return pair_; }

 private:
  // A copy, for the action may destroy the handler.
  void on_ready(std::uint32_t events) override { std::invoke(Action{action_}, *this, events); }

  EventLoop& loop_;
  const Action action_;
  const SocketPair pair_ = unix_pair();
};

class ReadySetTest : public ::testing::Test {
 protected:
  ~ReadySetTest() override {
    loop_.run([this] { watched_.clear(); });
  }

  // On the loop. The newest is the last of watched_.
  Watched& watch(Watched::Action action, std::uint32_t events = EPOLLIN | EPOLLET) {
    watched_.push_back(std::make_unique<Watched>(loop_, std::move(action), events));
    return *watched_.back();
  }

  // Returns once the loop has served all that was ready before, and what that asked for again.
  void let_serve() {
    Events served;
    loop_.run([&] {
      watch([&](auto& self, auto events) {
        if (events != 0) return self.again();
        served.add("served");
      }).make_ready();
    });
    EXPECT_EQ(served.next(), "served");
    loop_.run([this] { watched_.pop_back(); });
  }

  Events events_;
  EventLoop loop_{"loop"};
  std::vector<std::unique_ptr<Watched>> watched_;
};

TEST_F(ReadySetTest, TellsAHandlerOnceThatItsDescriptorBecameReady) {
  loop_.run([this] {
    watch([this](auto&, auto events) {
      events_.add(events == EPOLLIN ? "input" : "else");
    }).make_ready();
  });
  EXPECT_EQ(events_.next(), "input");
  let_serve();
  loop_.run([this] { watched_.front()->make_ready(); });
  EXPECT_EQ(events_.next(), "input");
  events_.add("end");
  EXPECT_EQ(events_.next(), "end");
}

TEST_F(ReadySetTest, DropsAnEventForAHandlerThatWasRemovedEarlierInTheBatch) {
  loop_.run([this] {
    for (const int i : {0, 1}) {
      watch([this, i](auto&, auto) {
        events_.add("served");
        watched_[static_cast<std::size_t>(1 - i)].reset();
      });
    }
    for (const auto& one : watched_) one->make_ready();
  });
  EXPECT_EQ(events_.next(), "served");
  let_serve();
  events_.add("end");
  EXPECT_EQ(events_.next(), "end");
}

TEST_F(ReadySetTest, LetsAHandlerDestroyItself) {
  loop_.run([this] {
    watch([this](auto&, auto) {
      watched_.front().reset();
      events_.add("destroyed");
    }).make_ready();
  });
  EXPECT_EQ(events_.next(), "destroyed");
  let_serve();
}

TEST_F(ReadySetTest, ServesAgainAfterEverybodyElse) {
  loop_.run([this] {
    watch([this](auto& self, auto events) {
      events_.add(events == 0 ? "first again" : "first");
      if (events != 0) self.again();
    });
    watch([this](auto&, auto) { events_.add("second"); });
    for (const auto& one : watched_) one->make_ready();
  });
  EXPECT_EQ(events_.next(3), (std::vector<std::string>{"first", "second", "first again"}));
}

TEST_F(ReadySetTest, ServesTurnByTurnThoseWhoAskAgain) {
  constexpr int kTurns = 5;
  loop_.run([this] {
    for (const std::string name : {"a", "b"}) {
      watch([this, name, turn = std::make_shared<int>(0)](auto& self, auto) {
        events_.add(name);
        if (++*turn < kTurns) self.again();
      });
    }
    for (const auto& one : watched_) one->make_ready();
  });
  std::string order;
  for (const auto& name : events_.next(2 * kTurns)) order += name;
  EXPECT_EQ(order, "ababababab");
}

TEST_F(ReadySetTest, RestsBeforeATurnThatFollowsAnotherOneClosely) {
  constexpr std::chrono::milliseconds kRest{20};
  std::vector<EventLoop::Clock::time_point> served_at;
  loop_.run([&] {
    loop_.ready_set().set_rest_when_busy(kRest);
    watch([&](auto& self, auto) {
      std::array<char, 16> taken;  // Or the socket would be full some day.
      EXPECT_GT(::recv(self.pair().ours.get(), taken.data(), taken.size(), 0), 0);
      served_at.push_back(EventLoop::Clock::now());
      if (served_at.size() % 2 == 0) return events_.add("served twice");
      self.make_ready();
    });
  });
  // Two turns may be far from each other on a busy machine: a few attempts bring two that are not.
  EXPECT_TRUE(support::eventually([&] {
    watched_.front()->make_ready();
    EXPECT_EQ(events_.next(), "served twice");
    return served_at.back() - served_at[served_at.size() - 2] >= kRest;
  }));
}

TEST_F(ReadySetTest, GivesNoFurtherTurnToARemovedHandler) {
  loop_.run([this] {
    watch([this](auto& self, auto) {
      events_.add("served");
      self.again();
      watched_.front().reset();
    }).make_ready();
  });
  EXPECT_EQ(events_.next(), "served");
  let_serve();
  events_.add("end");
  EXPECT_EQ(events_.next(), "end");
}

TEST_F(ReadySetTest, DropsTheTurnOfAHandlerThatWasRemovedEarlierInTheTurn) {
  loop_.run([this] {
    for (const int i : {0, 1}) {
      watch([this, i](auto& self, auto events) {
        events_.add(events == 0 ? "again" : "served");
        if (events != 0) return self.again();
        watched_[static_cast<std::size_t>(1 - i)].reset();
      });
    }
    for (const auto& one : watched_) one->make_ready();
  });
  EXPECT_EQ(events_.next(3), (std::vector<std::string>{"served", "served", "again"}));
  let_serve();
  events_.add("end");
  EXPECT_EQ(events_.next(), "end");
}

TEST_F(ReadySetTest, IsSilentAboutWhatAHandlerDoesNotAwaitAndTellsItLater) {
  loop_.run([this] {
    auto& one = watch(
        [this](auto& self, auto) {
          self.await(0);
          events_.add("served");
        },
        EPOLLIN);
    one.await(0);
    one.make_ready();
  });
  let_serve();
  events_.add("told to await");
  loop_.run([this] { watched_.front()->await(EPOLLIN); });
  EXPECT_EQ(events_.next(2), (std::vector<std::string>{"told to await", "served"}));
}

TEST_F(ReadySetTest, LeavesAWithdrawnDescriptorOpenAndAlone) {
  loop_.run([this] {
    auto& one = watch([this](auto&, auto) { events_.add("served"); });
    one.withdraw();
    one.make_ready();
  });
  let_serve();
  loop_.run(
      [this] { EXPECT_EQ(::fcntl(watched_.front()->pair().ours.get(), F_GETFD), FD_CLOEXEC); });
  events_.add("end");
  EXPECT_EQ(events_.next(), "end");
}

TEST_F(ReadySetTest, ServesMoreThanOneBatchOfReadyDescriptors) {
  constexpr int kWatched = 1300;
  loop_.run([this] {
    for (int i = 0; i < kWatched; ++i) watch([this](auto&, auto) { events_.add("served"); });
    for (const auto& one : watched_) one->make_ready();
  });
  EXPECT_EQ(events_.next(kWatched), std::vector<std::string>(kWatched, "served"));
  let_serve();
  events_.add("end");
  EXPECT_EQ(events_.next(), "end");
}

TEST_F(ReadySetTest, SaysWhyADescriptorCannotBeAwaited) {
  struct Unused final : ReadySet::Handler {
    void on_ready(std::uint32_t /*events*/) override {}
  } handler;
  const UniqueFd file{::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)};
  const auto error = loop_.run([&] { return loop_.ready_set().add(file.get(), EPOLLIN, handler); });
  EXPECT_EQ(error, std::errc::operation_not_permitted);
}

}  // namespace
}  // namespace chatgate::net
