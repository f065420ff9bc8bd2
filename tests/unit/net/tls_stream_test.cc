#include "socket_pair.h"

#include <array>
#include <fstream>
#include <string>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <chatgate/net/tls_stream.h>
#include <chatgate/support/certificate.h>

namespace chatgate::net {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using Status = TlsStream::Status;

// Both ends in one thread, each on a socket that does not block.
class TlsStreamTest : public ::testing::Test {
 protected:
  TlsStreamTest() {
    ::fcntl(sockets_.peer.get(), F_SETFL, O_NONBLOCK);  // NOLINT: fcntl(2) is variadic.
  }

  TlsServerOptions server_options() const {
    return {.certificate = identity_.certificate(), .key = identity_.key()};
  }
  TlsStream server(const TlsServerOptions& options) {
    return TlsStream{*TlsContext::for_server(options), sockets_.ours.get()};
  }
  TlsStream client(const std::string& name, const std::string& ca) {
    return TlsStream{*TlsContext::for_client(ca), sockets_.peer.get(), name};
  }

  static bool wants(Status status) {
    return status == Status::WantsInput || status == Status::WantsOutput;
  }

  // Until both are done, or one has failed.
  static void shake(TlsStream& one, TlsStream& other) {
    auto status = Status::WantsInput;
    auto others = Status::WantsInput;
    for (int i = 0; i < 20 && (wants(status) || wants(others)); ++i) {
      if (wants(status)) status = one.handshake();
      if (wants(others)) others = other.handshake();
      if (status == Status::Failed || others == Status::Failed) return;
    }
  }

  static std::string read(TlsStream& stream, std::size_t size) {
    std::string text;
    std::array<char, 16 * 1024> piece;
    while (text.size() < size) {
      const auto [status, count] = stream.read(piece);
      if (status != Status::Done) break;
      text.append(piece.data(), count);
    }
    return text;
  }

  const support::Certificate identity_;
  SocketPair sockets_ = tcp_pair();
};

TEST_F(TlsStreamTest, PassesOnWhatIsSaidUntilBothHaveEnded) {
  auto ours = server(server_options());
  auto theirs = client("localhost", identity_.certificate());
  EXPECT_FALSE(ours.is_spoken());
  shake(theirs, ours);
  EXPECT_TRUE(ours.is_shaken());
  EXPECT_TRUE(ours.is_spoken());
  EXPECT_EQ(theirs.write("hello").size, 5U);
  EXPECT_EQ(read(ours, 5), "hello");
  EXPECT_EQ(ours.write("welcome").size, 7U);
  EXPECT_EQ(read(theirs, 7), "welcome");

  std::array<char, 16> piece;
  EXPECT_EQ(ours.read(piece).status, Status::WantsInput);
  EXPECT_EQ(theirs.shut_down(), Status::Done);
  EXPECT_EQ(ours.read(piece).status, Status::Ended);
  EXPECT_EQ(ours.write("bye").size, 3U);  // Only the client's side has ended.
  EXPECT_EQ(ours.shut_down(), Status::Done);
  EXPECT_EQ(read(theirs, 3), "bye");
  EXPECT_EQ(theirs.read(piece).status, Status::Ended);
}

TEST_F(TlsStreamTest, SaysWhenTheSocketIsFullAndGoesOnWhereItStopped) {
  auto ours = server(server_options());
  auto theirs = client("127.0.0.1", identity_.certificate());
  shake(theirs, ours);
  std::string text(32 << 20, 'x');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + i % 26);
  std::size_t sent = 0;
  std::string received;
  bool was_full = false;
  while (received.size() < text.size()) {
    while (sent < text.size()) {
      const auto [status, size] = ours.write(std::string{text.substr(sent, 100'000)});
      if (status != Status::Done) {
        EXPECT_EQ(status, Status::WantsOutput);
        was_full = true;
        break;
      }
      sent += size;
    }
    const auto before = received.size();
    received += read(theirs, 1 << 20);
    if (received.size() == before) {
      ::pollfd readable{sockets_.peer.get(), POLLIN, 0};
      ASSERT_EQ(::poll(&readable, 1, 10'000), 1);
    }
  }
  EXPECT_TRUE(was_full);
  EXPECT_EQ(received, text);
}

TEST_F(TlsStreamTest, AClientInsistsOnTheNameAndOnWhoSignedIt) {
  const support::Certificate other;
  for (const auto& [name, ca, error] :
       {std::tuple{"example.org", identity_.certificate(), "hostname mismatch"},
        std::tuple{"127.0.0.2", identity_.certificate(), "IP address mismatch"},
        std::tuple{"localhost", other.certificate(), "certificate"}}) {
    sockets_ = tcp_pair();
    ::fcntl(sockets_.peer.get(), F_SETFL, O_NONBLOCK);  // NOLINT: fcntl(2) is variadic.
    auto ours = server(server_options());
    auto theirs = client(name, ca);
    shake(theirs, ours);
    EXPECT_FALSE(theirs.is_shaken());
    EXPECT_THAT(theirs.error(), HasSubstr(error));
  }
}

TEST_F(TlsStreamTest, KnowsWhoSpeaksSomethingElse) {
  auto ours = server(server_options());
  send_all(sockets_.peer, "hello, is anybody there?\n");
  EXPECT_EQ(ours.handshake(), Status::Failed);
  EXPECT_FALSE(ours.is_spoken());
  EXPECT_EQ(ours.error(), "the peer speaks no TLS");
  EXPECT_EQ(ours.shut_down(), Status::Failed);
}

TEST_F(TlsStreamTest, AnEndWithinTheHandshakeIsAFailure) {
  auto ours = server(server_options());
  auto theirs = client("localhost", identity_.certificate());
  EXPECT_EQ(theirs.handshake(), Status::WantsInput);
  EXPECT_EQ(ours.handshake(), Status::WantsInput);
  shut_down(sockets_.peer);
  EXPECT_EQ(ours.handshake(), Status::Failed);
  EXPECT_EQ(ours.error(), "the peer left within the handshake");
}

TEST_F(TlsStreamTest, AnEndWithoutACloseNotifyIsAnEnd) {
  auto ours = server(server_options());
  auto theirs = client("localhost", identity_.certificate());
  shake(theirs, ours);
  shut_down(sockets_.peer);
  std::array<char, 16> piece;
  EXPECT_EQ(ours.read(piece).status, Status::Ended);
}

TEST_F(TlsStreamTest, AWriteToWhoHasGoneFailsWithoutASignal) {
  auto ours = server(server_options());
  auto theirs = client("localhost", identity_.certificate());
  shake(theirs, ours);
  reset(sockets_.peer);
  auto status = Status::Done;
  for (int i = 0; i < 3 && status == Status::Done; ++i) status = ours.write("x").status;
  EXPECT_EQ(status, Status::Failed);
  EXPECT_NE(ours.error(), "");
}

TEST_F(TlsStreamTest, NamesTheFileThatIsOfNoUse) {
  const support::Certificate other;
  auto options = server_options();
  options.key = other.key();
  auto context = TlsContext::for_server(options);
  ASSERT_FALSE(context);
  EXPECT_EQ(context.error().option, TlsError::Option::Key);
  EXPECT_EQ(context.error().text, other.key() + ": key values mismatch");

  options = server_options();
  options.certificate = "/not/there";
  context = TlsContext::for_server(options);
  ASSERT_FALSE(context);
  EXPECT_EQ(context.error().option, TlsError::Option::Certificate);
  EXPECT_EQ(context.error().text, "cannot read /not/there: No such file or directory");

  options = server_options();
  options.sni = {identity_.certificate()};
  context = TlsContext::for_server(options);
  ASSERT_FALSE(context);
  EXPECT_EQ(context.error().option, TlsError::Option::Sni);

  options = server_options();
  options.client_ca = identity_.key();
  context = TlsContext::for_server(options);
  ASSERT_FALSE(context);
  EXPECT_EQ(context.error().option, TlsError::Option::ClientCa);
  EXPECT_THAT(context.error().text, StartsWith(identity_.key() + ": "));
}

}  // namespace
}  // namespace chatgate::net
