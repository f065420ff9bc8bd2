#include <cerrno>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <chatgate/net/listening_socket.h>
#include <chatgate/support/test_client.h>

namespace chatgate::net {
namespace {

using namespace std::chrono_literals;

using support::TestClient;

std::vector<ListeningSocket> open(const std::string& endpoint, std::uint32_t acceptors = 1,
                                  const KeepaliveOptions& keepalive = {}) {
  return open_listening_sockets(parse_endpoint(endpoint).value(), 128, acceptors, keepalive, {});
}

// The error of open(), or nothing.
std::pair<int, std::string> refusal(const std::string& endpoint, std::uint32_t acceptors = 1) {
  try {
    open(endpoint, acceptors);
  } catch (const std::system_error& error) {
    return {error.code().value(), error.what()};
  }
  return {};
}

std::uint16_t port_of(const ListeningSocket& socket) {
  return std::get<TcpEndpoint>(parse_endpoint(socket.address()).value()).port;
}

struct Accepted {
  UniqueFd socket;
  PeerAddress peer;
};

Accepted accept(const ListeningSocket& listening) {
  ::sockaddr_storage address{};
  ::socklen_t size = sizeof address;
  UniqueFd socket{::accept(listening.fd(), reinterpret_cast<::sockaddr*>(&address), &size)};
  return {std::move(socket), PeerAddress::from_sockaddr(address)};
}

bool has_v6() { return refusal("[::1]:0").first == 0; }

TEST(ListeningSocketTest, ListensOnV4) {
  const auto sockets = open("127.0.0.1:0");
  ASSERT_EQ(sockets.size(), 1U);
  EXPECT_NE(port_of(sockets.front()), 0);
  EXPECT_FALSE(sockets.front().is_inherited());
  const TestClient client{port_of(sockets.front())};
  EXPECT_EQ(to_text(accept(sockets.front()).peer), client.local_address());
}

TEST(ListeningSocketTest, ListensOnV6Alone) {
  if (!has_v6()) GTEST_SKIP() << "no IPv6 here";
  const auto sockets = open("[::1]:0");
  const TestClient client{"::1", port_of(sockets.front())};
  EXPECT_EQ(accept(sockets.front()).peer.ip.family, IpAddress::Family::V6);
}

TEST(ListeningSocketTest, ListensOnBothFamiliesWhenItsAddressIsV6Any) {
  if (!has_v6()) GTEST_SKIP() << "no IPv6 here";
  const auto sockets = open("[::]:0");
  const auto port = port_of(sockets.front());
  const TestClient v4{"127.0.0.1", port};
  EXPECT_EQ(to_text(accept(sockets.front()).peer), v4.local_address());
  const TestClient v6{"::1", port};
  EXPECT_EQ(accept(sockets.front()).peer.ip.family, IpAddress::Family::V6);
}

TEST(ListeningSocketTest, NeitherBlocksNorSurvivesExec) {
  const auto sockets = open("127.0.0.1:0");
  const int fd = sockets.front().fd();
  EXPECT_EQ(::accept(fd, nullptr, nullptr), -1);
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_EQ(::fcntl(fd, F_GETFD), FD_CLOEXEC);
}

int option(const UniqueFd& socket, int level, int name) {
  int value = -1;
  ::socklen_t size = sizeof value;
  ::getsockopt(socket.get(), level, name, &value, &size);
  return value;
}

TEST(ListeningSocketTest, GivesItsOptionsToAcceptedSockets) {
  const auto sockets =
      open("127.0.0.1:0", 1, {.idle = 61s, .interval = 11s, .probes = 4, .user_timeout = 31s});
  const TestClient client{port_of(sockets.front())};
  const auto accepted = accept(sockets.front()).socket;
  EXPECT_EQ(option(accepted, IPPROTO_TCP, TCP_NODELAY), 1);
  EXPECT_EQ(option(accepted, SOL_SOCKET, SO_OOBINLINE), 1);
  EXPECT_EQ(option(accepted, SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(option(accepted, IPPROTO_TCP, TCP_KEEPIDLE), 61);
  EXPECT_EQ(option(accepted, IPPROTO_TCP, TCP_KEEPINTVL), 11);
  EXPECT_EQ(option(accepted, IPPROTO_TCP, TCP_KEEPCNT), 4);
  EXPECT_EQ(option(accepted, IPPROTO_TCP, TCP_USER_TIMEOUT), 31'000);
}

TEST(ListeningSocketTest, SharesItsPortWithTheOtherAcceptors) {
  constexpr int kClients = 64;
  const auto sockets = open("127.0.0.1:0", 4);
  ASSERT_EQ(sockets.size(), 4U);
  std::set<std::uint16_t> ports;
  for (const auto& socket : sockets) ports.insert(port_of(socket));
  EXPECT_EQ(ports.size(), 1U);

  std::vector<TestClient> clients;
  for (int i = 0; i < kClients; ++i) clients.emplace_back(*ports.begin());
  int accepted = 0;
  int busy = 0;
  for (const auto& socket : sockets) {
    const int before = accepted;
    while (accept(socket).socket) ++accepted;
    if (accepted != before) ++busy;
  }
  EXPECT_EQ(accepted, kClients);
  EXPECT_GT(busy, 1);  // The kernel spreads by a hash: one alone has a chance of 4 in 4^64.
}

TEST(ListeningSocketTest, FreesItsPortWhenItIsDestroyed) {
  auto sockets = open("127.0.0.1:0");
  const auto port = port_of(sockets.front());
  auto moved = std::move(sockets.front());
  sockets.clear();
  EXPECT_NO_THROW(TestClient{port});
  moved = ListeningSocket{};
  EXPECT_THROW(TestClient{port}, std::runtime_error);
}

struct Sharing {
  const char* name;
  std::uint32_t first;
  std::uint32_t second;
};

void PrintTo(const Sharing& sharing, std::ostream* out) { *out << sharing.name; }

class PortInUseTest : public ::testing::TestWithParam<Sharing> {};

TEST_P(PortInUseTest, IsToldThoughShardsCouldShareIt) {
  const auto sockets = open("127.0.0.1:0", GetParam().first);
  const auto address = sockets.front().address();
  const auto [code, text] = refusal(address, GetParam().second);
  EXPECT_EQ(code, EADDRINUSE);
  EXPECT_EQ(text, "cannot listen on " + address +
                      ": another process listens there: ss -ltnp tells which: "
                      "Address already in use");
}

INSTANTIATE_TEST_SUITE_P(Acceptors, PortInUseTest,
                         ::testing::Values(Sharing{"OneAndOne", 1, 1}, Sharing{"OneAndTwo", 1, 2},
                                           Sharing{"TwoAndOne", 2, 1}, Sharing{"TwoAndTwo", 2, 2}),
                         [](const auto& instance) { return instance.param.name; });

TEST(ListeningSocketTest, SaysThatNoInterfaceHasItsAddress) {
  const auto [code, text] = refusal("192.0.2.1:0");  // RFC 5737: of documentation alone.
  EXPECT_EQ(code, EADDRNOTAVAIL);
  EXPECT_EQ(text,
            "cannot listen on 192.0.2.1:0: no interface of this machine has that address: "
            "Cannot assign requested address");
}

}  // namespace
}  // namespace chatgate::net
