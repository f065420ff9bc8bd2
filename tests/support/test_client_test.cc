#include "chatgate/support/test_client.h"

#include <cerrno>
#include <future>
#include <stdexcept>
#include <string>
#include <utility>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chatgate/support/http.h>

namespace chatgate::support {
namespace {

using namespace std::chrono_literals;

/// The other end of one client: a listening socket, and what it accepted.
class OtherEnd {
 public:
  OtherEnd() : listener_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    ::sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::socklen_t length = sizeof address;
    auto* generic = reinterpret_cast<::sockaddr*>(&address);
    if (::bind(listener_, generic, length) != 0 || ::listen(listener_, 4) != 0 ||
        ::getsockname(listener_, generic, &length) != 0) {
      throw std::runtime_error{"no listening socket"};
    }
    port_ = ntohs(address.sin_port);
  }
  ~OtherEnd() {
    ::close(listener_);
    close();
  }
  OtherEnd(const OtherEnd&) = delete;
  OtherEnd& operator=(const OtherEnd&) = delete;

  std::uint16_t port() const { return port_; }
  void accept() { socket_ = ::accept(listener_, nullptr, nullptr); }
  void close() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }
  void reset() {
    const ::linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
  }
  void write(std::string_view text) {
    ASSERT_EQ(::send(socket_, text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  ssize_t read() {
    char byte = 0;
    return ::recv(socket_, &byte, 1, 0);
  }
  std::string read_until(std::string_view end) {
    std::string text;
    char byte = 0;
    while (!text.ends_with(end) && ::recv(socket_, &byte, 1, 0) == 1) text += byte;
    return text;
  }

 private:
  const int listener_;
  std::uint16_t port_ = 0;
  int socket_ = -1;
};

class TestClientTest : public ::testing::Test {
 protected:
  void SetUp() override { other_end_.accept(); }

  OtherEnd other_end_;
  TestClient client_{other_end_.port(), {.source = "127.0.0.7", .patience = 200ms}};
};

TEST_F(TestClientTest, ReceivesLinesAndThenTheEnd) {
  other_end_.write("one\r\ntwo\nrest");
  other_end_.close();
  EXPECT_EQ(client_.receive_line(), "one\r");
  EXPECT_EQ(client_.receive_line(), "two");
  EXPECT_EQ(client_.receive_line(), "rest");
  EXPECT_EQ(client_.receive_line(), kEof);
}

TEST_F(TestClientTest, TellsSilenceFromReset) {
  EXPECT_EQ(client_.receive_line(), kTimeout);
  other_end_.reset();
  EXPECT_EQ(client_.receive_line(), kReset);
}

TEST_F(TestClientTest, ReceivesExactlySoManyBytes) {
  other_end_.write("abcdef");
  other_end_.close();
  EXPECT_EQ(client_.receive_exactly(4), "abcd");
  EXPECT_EQ(client_.receive_exactly(4), "ef<eof>");
}

TEST_F(TestClientTest, ReceivesUntilTheEnd) {
  other_end_.write("a\nb\n");
  other_end_.close();
  EXPECT_EQ(client_.receive_until_eof(), "a\nb\n");
}

TEST_F(TestClientTest, SendsFinOnlyWhenAskedForHalfClose) {
  ASSERT_TRUE(client_.send("x"));
  client_.shutdown_write();
  EXPECT_EQ(other_end_.read(), 1);
  EXPECT_EQ(other_end_.read(), 0);
  other_end_.write("still\n");
  EXPECT_EQ(client_.receive_line(), "still");
}

TEST_F(TestClientTest, ResetsTheOtherEnd) {
  client_.reset();
  EXPECT_EQ(other_end_.read(), -1);
  EXPECT_EQ(errno, ECONNRESET);
}

TEST_F(TestClientTest, ComesFromTheAddressItWasGiven) {
  EXPECT_TRUE(client_.local_address().starts_with("127.0.0.7:")) << client_.local_address();
}

TEST(TestClientConnectTest, SaysWhereNobodyListens) {
  std::uint16_t port = 0;
  {
    const OtherEnd gone;
    port = gone.port();
  }
  try {
    TestClient client{port};
    FAIL() << "connected";
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string{error.what()}.find(std::to_string(port)), std::string::npos);
  }
}

TEST(HttpTest, TakesStatusHeadersAndChunkedBodyApart) {
  OtherEnd server;
  auto response = std::async(std::launch::async, http_get, server.port(), "/x", "");
  server.accept();
  server.write(
      "HTTP/1.1 503 Unavailable\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n");
  // Unread input would turn the close into a reset, and the client would lose the response.
  EXPECT_EQ(server.read_until("\r\n\r\n").substr(0, 6), "GET /x");
  server.close();
  const auto [status, headers, body] = response.get();
  EXPECT_EQ(status, 503);
  EXPECT_EQ(body, "hello world");
}

}  // namespace
}  // namespace chatgate::support
