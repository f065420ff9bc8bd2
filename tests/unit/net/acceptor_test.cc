#include "events.h"

#include <algorithm>
#include <cerrno>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <chatgate/net/acceptor.h>
#include <chatgate/net/alarm.h>
#include <chatgate/support/test_client.h>

namespace chatgate::net {
namespace {

using Clock = Acceptor::Clock;
using support::TestClient;

// An acceptor on a free port of 127.0.0.1, and what it accepted.
class Accepting final : private Acceptor::Handler {
 public:
  Accepting(EventLoop& loop, SpareDescriptor& spare, Events& events, std::string name)
      : loop_{loop}, events_{events}, name_{std::move(name)} {
    auto sockets = open_listening_sockets(TcpEndpoint{*IpAddress::parse("127.0.0.1"), 0}, 512, 1,
                                          KeepaliveOptions{}, InheritedSockets{});
    port_ = parse_endpoint_port(sockets.front().address());
    Acceptor::Handler& handler = *this;
    acceptor_ = std::make_unique<Acceptor>(loop_, std::move(sockets.front()), spare, handler);
  }
  ~Accepting() {
    loop_.run([this] { acceptor_.reset(); });
  }

  TestClient connect() const { return TestClient{port_}; }
  void start() {
    loop_.run([this] { acceptor_->start(); });
  }
  void pause() {
    loop_.run([this] { acceptor_->pause(); });
  }
  template <class Work>
  auto run(Work work) {
    return loop_.run([&] { return work(*acceptor_); });
  }
  // On the loop: an accept that fails for good, as on a socket that was shut down, and the end.
  void fail_here() {
    ::shutdown(acceptor_->socket().fd(), SHUT_RD);
    acceptor_->accept_queue();
  }
  void destroy_here() { acceptor_.reset(); }
  void pause_here() { acceptor_->pause(); }

  // Called on the loop.
  std::function<void()> when_exhausted = [] {};

  // Read these on the loop, or once everything has been accepted.
  std::vector<UniqueFd> accepted;
  std::size_t told_of = 0;  // Of those accepted, when the last turn ended.
  std::vector<std::string> peers;
  std::vector<Clock::time_point> errors_at;

 private:
  static std::uint16_t parse_endpoint_port(const std::string& address) {
    return std::get<TcpEndpoint>(parse_endpoint(address).value()).port;
  }

  void on_accepted(UniqueFd socket, const PeerAddress& peer, Clock::time_point) override {
    accepted.push_back(std::move(socket));
    peers.push_back(to_text(peer));
    events_.add(name_ + " accepted");
  }
  void on_turn_ended() override { told_of = accepted.size(); }
  void on_exhausted(UniqueFd socket, const PeerAddress&) override {
    ::send(socket.get(), "full\n", 5, MSG_NOSIGNAL);
    when_exhausted();
    events_.add(name_ + " exhausted");
  }
  void on_accept_error(int error) override {
    errors_at.push_back(Clock::now());
    events_.add(name_ + (error == EMFILE ? " has no descriptor" : " failed"));
  }

  EventLoop& loop_;
  Events& events_;
  const std::string name_;
  std::uint16_t port_ = 0;
  std::unique_ptr<Acceptor> acceptor_;
};

class AcceptorTest : public ::testing::Test {
 protected:
  // Adds `count` clients, which the kernel holds in the backlog until they are accepted.
  void connect(const Accepting& accepting, int count) {
    for (int i = 0; i < count; ++i) clients_.push_back(accepting.connect());
  }

  Events events_;
  EventLoop loop_{"acceptor"};
  SpareDescriptor spare_;
  Accepting door_{loop_, spare_, events_, "door"};
  std::vector<TestClient> clients_;
};

TEST_F(AcceptorTest, AcceptsABurst) {
  constexpr int kClients = 200;
  connect(door_, kClients);
  door_.start();
  EXPECT_EQ(events_.next(kClients), std::vector<std::string>(kClients, "door accepted"));
  std::vector<std::string> addresses;
  for (const auto& client : clients_) addresses.push_back(client.local_address());
  EXPECT_EQ(door_.peers, addresses);
}

TEST_F(AcceptorTest, GivesSocketsThatNeitherBlockNorSurviveExec) {
  connect(door_, 1);
  door_.start();
  EXPECT_EQ(events_.next(), "door accepted");
  const int fd = door_.accepted.front().get();
  EXPECT_NE(::fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
  EXPECT_EQ(::fcntl(fd, F_GETFD), FD_CLOEXEC);
}

TEST_F(AcceptorTest, LeavesConnectionsInTheBacklogWhilePaused) {
  Accepting witness{loop_, spare_, events_, "witness"};
  witness.start();
  door_.start();
  door_.pause();
  EXPECT_TRUE(door_.run([](auto& acceptor) { return acceptor.is_paused(); }));
  connect(door_, 3);
  connect(witness, 1);
  EXPECT_EQ(events_.next(), "witness accepted");
  door_.run([](auto& acceptor) { acceptor.resume(); });
  EXPECT_EQ(events_.next(3), std::vector<std::string>(3, "door accepted"));
}

TEST_F(AcceptorTest, AcceptsWhatIsQueuedWhenAskedThoughPaused) {
  door_.start();
  door_.pause();
  connect(door_, 100);
  const auto accepted = door_.run([this](auto& acceptor) {
    acceptor.accept_queue();
    return door_.accepted.size();
  });
  EXPECT_EQ(accepted, 100U);
  EXPECT_EQ(door_.told_of, 100U);
}

TEST_F(AcceptorTest, TellsThatATurnEndedAfterAllThatItAccepted) {
  connect(door_, 3);
  door_.start();
  EXPECT_EQ(events_.next(3), std::vector<std::string>(3, "door accepted"));
  EXPECT_EQ(door_.run([this](auto&) { return door_.told_of; }), 3U);
}

// For a while, this process gets no descriptor beyond those that it has.
class NoDescriptorLeft {
 public:
  NoDescriptorLeft() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const UniqueFd lowest_free{::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)};
    const ::rlimit lowered{.rlim_cur = static_cast<::rlim_t>(lowest_free.get()),
                           .rlim_max = before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &lowered);
  }
  ~NoDescriptorLeft() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  NoDescriptorLeft(const NoDescriptorLeft&) = delete;
  NoDescriptorLeft& operator=(const NoDescriptorLeft&) = delete;

 private:
  ::rlimit before_{};
};

class ShortageTest : public AcceptorTest {
 protected:
  // UBSan needs a descriptor of its own, a pipe, to look at the first object of each type, and
  // takes it for none otherwise. So what works in a shortage has worked once before.
  ShortageTest() {
    Accepting broken{loop_, spare_, events_, "broken"};
    broken.start();
    broken.pause();
    loop_.run([&] {
      alarm_ = std::make_unique<Alarm>(loop_);
      alarm_->set(Clock::now(), [this] { events_.add("tick"); });
      broken.fail_here();
      broken.destroy_here();
    });
    EXPECT_EQ(events_.next(2), (std::vector<std::string>{"broken failed", "tick"}));
    Accepting plain{loop_, spare_, events_, "plain"};
    connect(plain, 1);
    plain.start();
    EXPECT_EQ(events_.next(), "plain accepted");
    clients_.clear();
  }
  ~ShortageTest() override {
    loop_.run([this] { alarm_.reset(); });
  }

  std::unique_ptr<Alarm> alarm_;
};

TEST_F(ShortageTest, DismissesOneConnectionAPauseAndEndsByItself) {
  constexpr int kClients = 8;
  constexpr int kErrors = 5;
  connect(door_, kClients);
  std::optional<NoDescriptorLeft> shortage{std::in_place};
  door_.when_exhausted = [&shortage, left = kErrors]() mutable {
    if (--left == 0) shortage.reset();
  };
  door_.start();
  for (int i = 0; i < kErrors; ++i) {
    EXPECT_EQ(events_.next(), "door has no descriptor");
    EXPECT_EQ(events_.next(), "door exhausted");
  }
  EXPECT_EQ(events_.next(kClients - kErrors),
            std::vector<std::string>(kClients - kErrors, "door accepted"));

  // Pauses of 10, 20, 40, … ms: the number of errors within any time is bounded.
  auto pause = Acceptor::kPauseMin;
  for (std::size_t i = 1; i < door_.errors_at.size(); ++i, pause *= 2) {
    EXPECT_GE(door_.errors_at[i] - door_.errors_at[i - 1], pause);
  }
  for (std::size_t i = 0; i < kErrors; ++i) {
    EXPECT_EQ(clients_[i].receive_until_eof(), "full\n") << i;
  }
}

TEST_F(ShortageTest, FindsTheSpareDescriptorEachTime) {
  for (int round = 0; round < 3; ++round) {
    Accepting door{loop_, spare_, events_, "new door"};
    connect(door, 1);
    std::optional<NoDescriptorLeft> shortage{std::in_place};
    door.when_exhausted = [&] { shortage.reset(); };
    door.start();
    EXPECT_EQ(events_.next(2),
              (std::vector<std::string>{"new door has no descriptor", "new door exhausted"}));
    connect(door, 1);
    EXPECT_EQ(events_.next(), "new door accepted");
  }
}

TEST_F(ShortageTest, LeavesAPausedAcceptorPausedWhenItEnds) {
  connect(door_, 2);
  std::optional<NoDescriptorLeft> shortage{std::in_place};
  door_.when_exhausted = [&] {
    shortage.reset();
    door_.pause_here();
    alarm_->set(Clock::now() + 5 * Acceptor::kPauseMin, [this] { events_.add("back-off over"); });
  };
  door_.start();
  EXPECT_EQ(events_.next(3), (std::vector<std::string>{"door has no descriptor", "door exhausted",
                                                       "back-off over"}));
  door_.run([](auto& acceptor) { acceptor.resume(); });
  EXPECT_EQ(events_.next(), "door accepted");
}

TEST_F(AcceptorTest, MayBeDestroyedWhenThePauseAfterAnErrorIsOverButNotYetEnded) {
  door_.start();
  loop_.run([this] {
    door_.fail_here();
    const auto over = Clock::now() + 2 * Acceptor::kPauseMin;
    while (Clock::now() < over) {
    }
    // Before the timer, which is noticed only once the loop goes on.
    loop_.post([this] { door_.destroy_here(); });
    loop_.post([this] { loop_.post([this] { events_.add("goes on"); }); });
  });
  EXPECT_EQ(events_.next(2), (std::vector<std::string>{"door failed", "goes on"}));
}

}  // namespace
}  // namespace chatgate::net
