#include "chatgate/service/probe.h"

#include <array>
#include <cstring>
#include <functional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace chatgate::service {
namespace {

using namespace std::chrono_literals;

void write(int client, std::string_view text) {
  ::send(client, text.data(), text.size(), MSG_NOSIGNAL);
}

std::string read_line(int client) {
  std::string line;
  char byte = 0;
  while (::recv(client, &byte, 1, 0) == 1 && byte != '\n') line += byte;
  return line;
}

/// Accepts one client on a real socket and does what its script says, then closes.
class OneClientServer {
 public:
  using Script = std::function<void(int client)>;

  explicit OneClientServer(Script script) : OneClientServer{tcp_address(), std::move(script)} {
    ::sockaddr_in address{};
    ::socklen_t length = sizeof address;
    ::getsockname(listener_, reinterpret_cast<::sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
  }
  OneClientServer(const ::sockaddr_un& address, Script script)
      : OneClientServer{Address{reinterpret_cast<const ::sockaddr*>(&address), sizeof address},
                        std::move(script)} {}
  ~OneClientServer() {
    ::shutdown(listener_, SHUT_RDWR);  // Ends an accept(2) that no client came to.
    thread_.join();
    ::close(listener_);
  }
  OneClientServer(const OneClientServer&) = delete;
  OneClientServer& operator=(const OneClientServer&) = delete;

  std::string port() const { return std::to_string(port_); }
  std::string address() const { return "127.0.0.1:" + port(); }

 private:
  struct Address {
    const ::sockaddr* value;
    ::socklen_t length;
  };

  static Address tcp_address() {
    static const ::sockaddr_in kLoopback{
        .sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    return {reinterpret_cast<const ::sockaddr*>(&kLoopback), sizeof kLoopback};
  }

  OneClientServer(Address address, Script script)
      : script_{std::move(script)},
        listener_{::socket(address.value->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    if (::bind(listener_, address.value, address.length) != 0 || ::listen(listener_, 4) != 0) {
      throw std::runtime_error{"no listening socket"};
    }
    thread_ = std::thread{[this] { serve(); }};
  }

  void serve() {
    const int client = ::accept(listener_, nullptr, nullptr);
    if (client < 0) return;
    script_(client);
    ::close(client);
  }

  const Script script_;
  const int listener_;
  std::uint16_t port_ = 0;
  std::thread thread_;  // Last member: it uses all the others.
};

void greet_and_reply(int client) {
  write(client, "hello\n");
  write(client, "you said " + read_line(client) + "\n");
  EXPECT_EQ(read_line(client), "") << "the client half-closes and says nothing more";
}

TEST(ProbeTest, MeasuresGreetingAndReply) {
  OneClientServer server{greet_and_reply};
  const auto result = probe({.address = server.address(), .send = "ping", .expect = "said ping"});
  EXPECT_TRUE(result.ok) << result.error;
  EXPECT_EQ(result.greeting_text, "hello");
  EXPECT_EQ(result.reply_text, "you said ping");
  EXPECT_GT(result.connect, 0ns);
  EXPECT_GT(result.greeting, 0ns);
  EXPECT_GT(result.reply, 0ns);
}

TEST(ProbeTest, ResolvesNames) {
  OneClientServer server{[](int client) { write(client, "hello\n"); }};
  const auto result = probe({.address = "localhost:" + server.port(), .expect = "hell"});
  EXPECT_TRUE(result.ok) << result.error;
}

TEST(ProbeTest, ReachesUnixSockets) {
  std::array<char, 32> directory{"/tmp/chatgate-probe-XXXXXX"};
  ASSERT_NE(::mkdtemp(directory.data()), nullptr);
  const std::string path = std::string{directory.data()} + "/socket";
  ::sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, path.size());
  {
    OneClientServer server{address, greet_and_reply};
    const auto result = probe({.address = "unix:" + path, .send = "ping", .expect = "ping"});
    EXPECT_TRUE(result.ok) << result.error;
  }
  ::unlink(path.c_str());
  ::rmdir(directory.data());
}

TEST(ProbeTest, GivesUpAtTheDeadlineWhenNothingGreets) {
  OneClientServer server{[](int client) { read_line(client); }};
  const auto result = probe({.address = server.address(), .timeout = 50ms});
  EXPECT_FALSE(result.ok);
  EXPECT_EQ(result.error, "no greeting: nothing came in time");
}

TEST(ProbeTest, TellsThatTheServerClosed) {
  OneClientServer server{[](int client) { write(client, "half a greet"); }};
  const auto result = probe({.address = server.address()});
  EXPECT_EQ(result.error, "no greeting: the server closed the connection");
}

TEST(ProbeTest, TellsThatNothingListens) {
  const auto port = OneClientServer{[](int) {}}.port();
  const auto result = probe({.address = "127.0.0.1:" + port});
  EXPECT_EQ(result.error, "cannot connect to 127.0.0.1:" + port + ": Connection refused");
}

TEST(ProbeTest, FailsOnAnUnexpectedReply) {
  OneClientServer server{greet_and_reply};
  const auto result = probe({.address = server.address(), .send = "ping", .expect = "pong"});
  EXPECT_FALSE(result.ok);
  EXPECT_EQ(result.error, "expected 'pong', got 'you said ping'");
}

TEST(ProbeTest, TakesARefusalForAFailure) {
  OneClientServer server{[](int client) { write(client, "421 too many connections [7]\n"); }};
  const auto result = probe({.address = server.address()});
  EXPECT_EQ(result.error, "refused: 421 too many connections [7]");
}

struct BadAddress {
  const char* name;
  const char* text;
};

void PrintTo(const BadAddress& address, std::ostream* out) { *out << address.name; }

class ProbeAddressTest : public ::testing::TestWithParam<BadAddress> {};

TEST_P(ProbeAddressTest, IsRefusedWithAReason) {
  const auto result = probe({.address = GetParam().text});
  EXPECT_FALSE(result.ok);
  EXPECT_TRUE(result.error.starts_with(GetParam().text)) << result.error;
}

INSTANTIATE_TEST_SUITE_P(
    Mistakes, ProbeAddressTest,
    ::testing::Values(BadAddress{"NoPort", "127.0.0.1"}, BadAddress{"EmptyPort", "127.0.0.1:"},
                      BadAddress{"EmptyHost", ":1935"}, BadAddress{"PortByName", "127.0.0.1:chat"},
                      BadAddress{"BareV6", "::1:1935"}, BadAddress{"EmptyUnixPath", "unix:"}),
    [](const auto& instance) { return instance.param.name; });

TEST(RunProbeTest, PrintsThreeTimesAndWhatWasSaid) {
  OneClientServer server{greet_and_reply};
  std::ostringstream out;
  std::ostringstream err;
  EXPECT_EQ(run_probe({.address = server.address(), .send = "ping"}, out, err), 0);
  std::istringstream lines{out.str()};
  for (const std::string step : {"connect", "greeting", "reply"}) {
    std::string line;
    ASSERT_TRUE(std::getline(lines, line));
    EXPECT_TRUE(line.starts_with(step)) << line;
    EXPECT_NE(line.find(" ms"), std::string::npos) << line;
  }
  EXPECT_EQ(err.str(), "");
}

TEST(RunProbeTest, EscapesWhatATerminalWouldObey) {
  OneClientServer server{[](int client) { write(client, "\xE6\xB5\x8B \x1B[31m\x9B.\n"); }};
  std::ostringstream out;
  std::ostringstream err;
  EXPECT_EQ(run_probe({.address = server.address()}, out, err), 0);
  EXPECT_TRUE(out.str().ends_with("  \xE6\xB5\x8B \\x1b[31m\\x9b.\n")) << out.str();
}

TEST(RunProbeTest, ExitsWithOneAndAReason) {
  std::ostringstream out;
  std::ostringstream err;
  EXPECT_EQ(run_probe({.address = "nowhere"}, out, err), 1);
  EXPECT_EQ(out.str(), "");
  EXPECT_EQ(err.str(),
            "chatgate probe: nowhere: an address is HOST:PORT, [V6]:PORT or unix:/path\n");
}

}  // namespace
}  // namespace chatgate::service
