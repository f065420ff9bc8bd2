#include "gateway_fixture.h"

#include <string>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace chatgate::integration {
namespace {

using base::Bytes;
using session::Framing;
using session::OnOverlong;
using session::Utf8;
using namespace std::chrono_literals;

class SessionTest : public GatewayTest {
 protected:
  // Waits until the gateway has read so many bytes: what is sent next is a segment of its own.
  bool has_read(std::size_t bytes) {
    return eventually([&] {
      return gateway().metric("chatgate_received_bytes_total{listener=\"public\"}") ==
             static_cast<double>(bytes);
    });
  }

  // All that one client gets for `text` and its EOF, the greeting apart.
  std::string conversation(std::string_view text) {
    start();
    auto client = greeted();
    client.send(text);
    client.shutdown_write();
    return client.receive_until_eof();
  }
};

TEST_F(SessionTest, GreetsThenAnswersEachLineInOrder) {
  start();
  auto client = greeted();
  client.send("one\ntwo\n");
  EXPECT_EQ(client.receive_line(), "<one>");
  EXPECT_EQ(client.receive_line(), "<two>");
  client.send("three\n");
  EXPECT_EQ(client.receive_line(), "<three>");
}

TEST_F(SessionTest, GreetsAndAnswersInTheDefaultWords) {
  service() = {};
  start();
  auto client = gateway().connect();
  EXPECT_EQ(client.receive_line(), "测试成功!");
  client.send("Ho\r\nfirst blood\r\n");
  EXPECT_EQ(client.receive_line(), "收到的信息:Ho");
  EXPECT_EQ(client.receive_line(), "收到的信息:first blood");
}

TEST_F(SessionTest, PlaysTheSeedExchange) {
  service() = {};
  service().framing = Framing::Read;
  service().max_message = Bytes{8192};
  service().messages_per_session = 1;
  start();
  auto client = gateway().connect();
  client.send("Ho\r\nfirst blood\r\n");
  EXPECT_EQ(client.receive_until_eof(), "测试成功!\n收到的信息:Ho\r\nfirst blood\r\n\n");
}

TEST_F(SessionTest, AnswersTheLastLineWithoutAnEnd) {
  EXPECT_EQ(conversation("a\nb"), "<a>\n<b>\n");
}

TEST_F(SessionTest, AnswersNothingToAClientThatOnlyListens) { EXPECT_EQ(conversation(""), ""); }

TEST_F(SessionTest, TakesCrAndNulOutOfLines) {
  using namespace std::string_view_literals;
  EXPECT_EQ(conversation("crlf\r\nn\0ul\ncr\r\0nul\nb\rare\n\n"sv),
            "<crlf>\n<nul>\n<crnul>\n<b\rare>\n<>\n");
}

TEST_F(SessionTest, JoinsALineThatComesInPieces) {
  start();
  auto client = greeted();
  client.send("hel");
  ASSERT_TRUE(has_read(3));
  client.send("lo\r");
  ASSERT_TRUE(has_read(6));
  client.send("\n");
  EXPECT_EQ(client.receive_line(), "<hello>");
}

TEST_F(SessionTest, AnswersEverythingToAClientThatSendsItAllAndReadsLate) {
  constexpr int kLines = 10'000;
  service().reply = "{count}:{message}" + std::string(1000, '.') + '\n';
  start();
  auto client = greeted({.receive_bytes = 4096});
  std::thread sender{[&] {
    std::string text;
    for (int i = 1; i <= kLines; ++i) text += fmt::format("{}\n", i);
    EXPECT_TRUE(client.send(text));
    client.shutdown_write();
  }};
  EXPECT_TRUE(eventually([&] {
    return gateway().get("/connections").body.find("\"backlogged\"") != std::string::npos;
  }));
  // Above 64 messages without their replies, the gateway reads on no more.
  const double received = gateway().metric("chatgate_messages_received_total{listener=\"public\"}");
  const double replied = gateway().metric("chatgate_replies_sent_total{listener=\"public\"}");
  EXPECT_LT(received, kLines);
  EXPECT_LE(received - replied, 64);
  for (int i = 1; i <= kLines; ++i) {
    ASSERT_EQ(client.receive_line().substr(0, 20),
              fmt::format("{0}:{0}....................", i).substr(0, 20));
  }
  EXPECT_EQ(client.receive_line(), kEof);
  sender.join();
  EXPECT_TRUE(ends_with("client_eof"));
}

// More of them at once than replies may wait, with and without the way of plain lines.
TEST_F(SessionTest, AnswersWithNothingAndGoesOn) {
  for (const std::string reply : {"{message}", ""}) {
    for (const bool are_plain : {true, false}) {
      SCOPED_TRACE(fmt::format("reply '{}', plain {}", reply, are_plain));
      service().reply = reply;
      service().quit_words.clear();
      if (!are_plain) service().quit_words.emplace_back("quit");
      start();
      auto client = greeted();
      client.send(repeated("\n", 1000) + "last");
      client.shutdown_write();
      EXPECT_EQ(client.receive_until_eof(), reply.empty() ? "" : "last");
      EXPECT_EQ(gateway().metric("chatgate_messages_received_total{listener=\"public\"}"), 1001);
      EXPECT_EQ(gateway().metric("chatgate_replies_sent_total{listener=\"public\"}"), 1001);
    }
  }
}

TEST_F(SessionTest, AnswersALineOfTheGreatestLength) {
  service().max_message = Bytes{16};
  const std::string longest(16, 'x');
  EXPECT_EQ(conversation(longest + "\r\n" + longest), repeated("<" + longest + ">\n", 2));
}

TEST_F(SessionTest, SkipsAnOverlongLineAndGoesOn) {
  service().max_message = Bytes{16};
  EXPECT_EQ(conversation(std::string(17, 'x') + "\nok\n" + std::string(100'000, 'y') + "\nok\n"),
            repeated("500 line too long\n<ok>\n", 2));
}

TEST_F(SessionTest, EndsAfterAnOverlongLineWhenToldTo) {
  service().max_message = Bytes{16};
  service().on_overlong = OnOverlong::Close;
  EXPECT_EQ(conversation("before\n" + std::string(17, 'x') + "\nafter\n"),
            "<before>\n500 line too long\n");
  EXPECT_TRUE(ends_with("line_too_long"));
}

TEST_F(SessionTest, FillsInEveryPlaceholder) {
  service().reply = "{message}|{peer}|{listener}|{session}|{count}|{connections}|{{}}|{time}\n";
  start();
  auto client = greeted();
  client.send("first\nsecond\n");
  EXPECT_THAT(client.receive_line(), ::testing::StartsWith(fmt::format(
                                         "first|{}|public|1|1|1|{{}}|20", client.local_address())));
  EXPECT_THAT(client.receive_line(),
              ::testing::MatchesRegex("second\\|.*\\|public\\|1\\|2\\|1\\|\\{\\}\\|"
                                      "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\\.[0-9]+)?Z"));
}

TEST_F(SessionTest, SaysFarewellToAQuitWordAndAnswersNoMore) {
  service().quit_words = {"quit", "bye"};
  service().farewell = "goodbye from {listener}\n";
  EXPECT_EQ(conversation("not quit\nBye\r\nanyone?\n"), "<not quit>\ngoodbye from public\n");
  EXPECT_TRUE(ends_with("quit"));
}

TEST_F(SessionTest, EndsAfterSoManyMessages) {
  service().messages_per_session = 2;
  EXPECT_EQ(conversation("one\ntwo\nthree\n"), "<one>\n<two>\n");
  EXPECT_TRUE(ends_with("session_done"));
}

TEST_F(SessionTest, TakesWhatOneReadReturnsForAMessage) {
  service().framing = Framing::Read;
  start();
  auto client = greeted();
  client.send("no\nlines");
  EXPECT_EQ(client.receive_exactly(11), "<no\nlines>\n");
  client.send("again");
  EXPECT_EQ(client.receive_line(), "<again>");
}

TEST_F(SessionTest, JoinsACharacterThatTwoSegmentsOfALineShare) {
  start();
  auto client = greeted();
  client.send("caf\xc3");
  ASSERT_TRUE(has_read(4));
  client.send("\xa9\n");
  EXPECT_EQ(client.receive_line(), "<café>");
}

TEST_F(SessionTest, JoinsACharacterThatTwoReadsShare) {
  service().framing = Framing::Read;
  start();
  auto client = greeted();
  client.send("caf\xc3");
  EXPECT_EQ(client.receive_line(), "<caf>");
  client.send("\xa9!");
  EXPECT_EQ(client.receive_line(), "<é!>");
  client.send("\xe6\xb5");
  ASSERT_TRUE(has_read(8));
  client.shutdown_write();
  EXPECT_EQ(client.receive_until_eof(), "<\xef\xbf\xbd>\n");
}

TEST_F(SessionTest, ReplacesWhatIsNoUtf8) {
  EXPECT_EQ(conversation("a\x80z\n"), "<a\xef\xbf\xbdz>\n");
}

TEST_F(SessionTest, PassesWhatIsNoUtf8WhenToldTo) {
  service().utf8 = Utf8::Pass;
  EXPECT_EQ(conversation("a\x80z\n"), "<a\x80z>\n");
}

TEST_F(SessionTest, EndsWithWhatIsNoUtf8WhenToldTo) {
  service().utf8 = Utf8::Reject;
  EXPECT_EQ(conversation("测试\na\x80z\nafter\n"), "<测试>\n500 invalid UTF-8\n");
  EXPECT_TRUE(ends_with("invalid_utf8"));
}

TEST_F(SessionTest, LetsTheLastLineArriveAlthoughMoreWasSent) {
  service().messages_per_session = 1;
  EXPECT_EQ(conversation("one\n" + repeated("unread\n", 5'000)), "<one>\n");
}

TEST_F(SessionTest, WarnsTlsAndHttpClientsInTheirOwnWords) {
  start();
  auto tls = greeted();
  tls.send({"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03", 11});
  EXPECT_EQ(tls.receive_until_eof().substr(0, 2), "\x15\x03");
  auto http = greeted();
  http.send("GET / HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(http.receive_until_eof().starts_with("HTTP/1.1 400 "));
}

}  // namespace
}  // namespace chatgate::integration
