#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chatgate/net/listening_socket.h>
#include <chatgate/support/temp_dir.h>
#include <chatgate/support/test_client.h>

namespace chatgate::net {
namespace {

constexpr int kFirst = 3;  // SD_LISTEN_FDS_START
constexpr int kPassedMax = 3;

// Runs `work` in a process of its own, because descriptors of fixed numbers and the environment are
// the process's. Its failures are this test's.
template <class Work>
void in_child(Work work) {
  std::fflush(nullptr);
  const auto child = ::fork();
  if (child == 0) {
    try {
      // Sockets that are opened from now on stay clear of the places where they are passed.
      while (::open("/dev/null", O_RDONLY | O_CLOEXEC) < kFirst + kPassedMax) {
      }
      work();
    } catch (const std::exception& error) {
      ADD_FAILURE() << error.what();
    }
    std::fflush(nullptr);
    ::_exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

void set_variable(const char* name, const std::string& value) {
  ::setenv(name, value.c_str(), 1);  // NOLINT(concurrency-mt-unsafe): the child has one thread
}

// Passes sockets as a service manager does: from descriptor 3 on, with their names in order.
void pass(const std::vector<int>& sockets, const std::string& names) {
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    ::dup2(sockets[i], kFirst + static_cast<int>(i));
  }
  set_variable("LISTEN_PID", std::to_string(::getpid()));
  set_variable("LISTEN_FDS", std::to_string(sockets.size()));
  set_variable("LISTEN_FDNAMES", names);
}

ListeningSocket open(const Endpoint& endpoint, const InheritedSockets& inherited = {}) {
  return std::move(open_listening_sockets(endpoint, 128, 2, {}, inherited).front());
}

Endpoint loopback() { return TcpEndpoint{*IpAddress::parse("127.0.0.1"), 0}; }

std::pair<int, std::string> refusal(const std::string& name, const InheritedSockets& inherited) {
  try {
    open(InheritedEndpoint{name}, inherited);
  } catch (const std::system_error& error) {
    return {error.code().value(), error.what()};
  }
  return {};
}

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

TEST(InheritedSocketsTest, AreFoundByTheirNames) {
  in_child([] {
    const auto one = open(loopback());
    const auto two = open(loopback());
    const auto three = open(loopback());
    pass({one.fd(), two.fd(), three.fd()}, "public:admin:public");
    const auto inherited = InheritedSockets::take_from_environment();
    EXPECT_EQ(inherited.find("public"), (std::vector{kFirst, kFirst + 2}));
    EXPECT_EQ(inherited.find("admin"), std::vector{kFirst + 1});
    EXPECT_EQ(inherited.find("other"), std::vector<int>{});
    EXPECT_EQ(inherited.names(), (std::vector<std::string>{"admin", "public", "public"}));
  });
}

TEST(InheritedSocketsTest, AreNotPassedOnToTheProgramsThatThisOneStarts) {
  in_child([] {
    pass({open(loopback()).fd()}, "public");
    const auto inherited = InheritedSockets::take_from_environment();
    EXPECT_EQ(::fcntl(inherited.find("public").at(0), F_GETFD), FD_CLOEXEC);
    for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) {
      EXPECT_EQ(::secure_getenv(name), nullptr) << name;
    }
  });
}

TEST(InheritedSocketsTest, AreListenedOnWithoutBlocking) {
  in_child([] {
    auto passed = open(loopback());
    const auto address = passed.address();
    ::fcntl(passed.fd(), F_SETFL, 0);
    pass({passed.fd()}, "public");
    const auto inherited = InheritedSockets::take_from_environment();
    const auto socket = open(InheritedEndpoint{"public"}, inherited);
    EXPECT_TRUE(socket.is_inherited());
    EXPECT_EQ(socket.fd(), kFirst);
    EXPECT_EQ(socket.address(), address);
    EXPECT_EQ(::accept(socket.fd(), nullptr, nullptr), -1);
    EXPECT_EQ(errno, EAGAIN);
    const auto port = std::get<TcpEndpoint>(parse_endpoint(address).value()).port;
    const support::TestClient client{port};
    EXPECT_TRUE(UniqueFd{::accept(socket.fd(), nullptr, nullptr)});
  });
}

TEST(InheritedSocketsTest, AreAllListenedOnWhenSeveralHaveTheName) {
  in_child([] {
    const auto one = open(loopback());
    const auto two = open(loopback());
    pass({one.fd(), two.fd()}, "public:public");
    const auto inherited = InheritedSockets::take_from_environment();
    const auto sockets = open_listening_sockets(InheritedEndpoint{"public"}, 128, 1, {}, inherited);
    ASSERT_EQ(sockets.size(), 2U);
    EXPECT_EQ(sockets[0].address(), one.address());
    EXPECT_EQ(sockets[1].address(), two.address());
  });
}

TEST(InheritedSocketsTest, StayOpenForASuccessorWhenAListenerLetsThemGo) {
  in_child([] {
    pass({open(loopback()).fd()}, "public");
    {
      const auto inherited = InheritedSockets::take_from_environment();
      open(InheritedEndpoint{"public"}, inherited);
      EXPECT_TRUE(is_open(kFirst));
    }
    EXPECT_FALSE(is_open(kFirst));
  });
}

TEST(InheritedSocketsTest, KeepTheFileOfAUnixSocket) {
  const support::TempDir folder;
  const auto path = folder.file("passed.sock");
  in_child([&] {
    auto passed = open(UnixEndpoint{path});
    pass({passed.fd()}, "local");
    const auto inherited = InheritedSockets::take_from_environment();
    EXPECT_EQ(open(InheritedEndpoint{"local"}, inherited).address(), "unix:" + path);
    EXPECT_NO_THROW(support::TestClient::to_unix(path));
  });
}

TEST(InheritedSocketsTest, AreNoneWhenTheyWerePassedToAnotherProcess) {
  in_child([] {
    pass({open(loopback()).fd()}, "public");
    set_variable("LISTEN_PID", std::to_string(::getppid()));
    EXPECT_EQ(InheritedSockets::take_from_environment().names(), std::vector<std::string>{});
    EXPECT_TRUE(is_open(kFirst));
  });
}

TEST(InheritedSocketsTest, AreNamedToWhoAsksForAnother) {
  in_child([] {
    const auto one = open(loopback());
    const auto two = open(loopback());
    pass({one.fd(), two.fd()}, "public:admin");
    EXPECT_EQ(refusal("other", InheritedSockets::take_from_environment()),
              std::pair(ENOENT, std::string{"cannot listen on fd:other: no such inherited socket "
                                            "(passed: admin, public): No such file or directory"}));
  });
  EXPECT_EQ(refusal("other", InheritedSockets{}),
            std::pair(ENOENT, std::string{"cannot listen on fd:other: no such inherited socket "
                                          "(passed: none): No such file or directory"}));
}

TEST(InheritedSocketsTest, AreRefusedWhenTheyAreNoSockets) {
  in_child([] {
    const UniqueFd null{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    pass({null.get()}, "public");
    EXPECT_EQ(refusal("public", InheritedSockets::take_from_environment()),
              std::pair(ENOTSOCK, std::string{"cannot listen on fd:public: not a socket: "
                                              "Socket operation on non-socket"}));
  });
}

TEST(InheritedSocketsTest, AreRefusedWhenTheyAreDatagramSockets) {
  in_child([] {
    const UniqueFd udp{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    pass({udp.get()}, "public");
    EXPECT_EQ(refusal("public", InheritedSockets::take_from_environment()),
              std::pair(EPROTOTYPE,
                        std::string{"cannot listen on fd:public: a datagram (UDP) socket; the "
                                    "socket unit needs ListenStream=: Protocol wrong type for "
                                    "socket"}));
  });
}

TEST(InheritedSocketsTest, AreRefusedWhenTheyDoNotListen) {
  in_child([] {
    const UniqueFd connection{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    pass({connection.get()}, "public");
    EXPECT_EQ(refusal("public", InheritedSockets::take_from_environment()).first, EINVAL);
  });
}

}  // namespace
}  // namespace chatgate::net
