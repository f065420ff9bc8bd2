#include "gateway_fixture.h"

#include <string>
#include <string_view>

// Telnet as a client sees it: bytes of RFC 854, spelt in octets because they are not text.

namespace chatgate::integration {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

class TelnetTest : public GatewayTest {
 protected:
  // All that one client gets for `text` and its EOF, the greeting apart.
  std::string conversation(std::string_view text) {
    start();
    auto client = greeted();
    client.send(text);
    client.shutdown_write();
    return client.receive_until_eof();
  }
};

constexpr auto kDoSga = "\xff\xfd\x03"sv;
constexpr auto kWillSga = "\xff\xfb\x03"sv;

TEST_F(TelnetTest, NeverBeginsToNegotiate) {
  start();
  auto client = gateway().connect();
  client.send("x\n");
  client.shutdown_write();
  EXPECT_EQ(client.receive_until_eof(), "hello\n<x>\n");
}

TEST_F(TelnetTest, LeavesTheMessageWholeWhereverACommandIsCut) {
  // IAC WILL NAWS; IAC SB NAWS 80 24 IAC SE; IAC NOP
  const std::string text{"he\xff\xfb\x1fl\xff\xfa\x1f\0\x50\0\x18\xff\xf0lo\r\n\xff\xf1more\r\n"sv};
  start();
  double sent = 0;
  for (std::size_t cut = 1; cut < text.size(); ++cut) {
    auto client = greeted();
    client.send(text.substr(0, cut));
    sent += static_cast<double>(cut);
    ASSERT_TRUE(eventually([&] {
      return gateway().metric("chatgate_received_bytes_total{listener=\"public\"}") == sent;
    }));
    client.send(text.substr(cut));
    sent += static_cast<double>(text.size() - cut);
    client.shutdown_write();
    EXPECT_EQ(client.receive_until_eof(), "\xff\xfd\x1f<hello>\n<more>\n") << "cut at " << cut;
  }
}

TEST_F(TelnetTest, AnswersAreYouThere) {
  EXPECT_EQ(conversation("be\xff\xf6gun\n"), "[yes]\r\n<begun>\n");
}

TEST_F(TelnetTest, RefusesAnUnknownOptionOnce) {
  // IAC DO ECHO twice, IAC WILL LINEMODE twice
  EXPECT_EQ(conversation("\xff\xfd\x01\xff\xfd\x01\xff\xfb\x22\xff\xfb\x22x\n"),
            "\xff\xfc\x01\xff\xfe\x22<x>\n");
}

TEST_F(TelnetTest, AgreesToWhatItSupportsOnce) {
  EXPECT_EQ(conversation(std::string{kDoSga} + std::string{kDoSga} + "x\n"),
            std::string{kWillSga} + "<x>\n");
}

TEST_F(TelnetTest, EditsTheLineInCharacterMode) {
  EXPECT_EQ(conversation(std::string{kDoSga} + std::string{"helk\x08lx\x7fo\r\0next\r\n"sv}),
            std::string{kWillSga} + "<hello>\n<next>\n");
}

TEST_F(TelnetTest, KeepsABackspaceOfAClientThatEditsItself) {
  EXPECT_EQ(conversation("a\x08z\n"), "<a\x08z>\n");
}

TEST_F(TelnetTest, DropsTheLineThatIsInterrupted) {
  EXPECT_EQ(conversation("mistake\xff\xf4right\nmistake\xff\xf3too\n"), "<right>\n<too>\n");
}

TEST_F(TelnetTest, TakesADoubledIacForTheByte) {
  service().utf8 = session::Utf8::Pass;
  EXPECT_EQ(conversation("a\xff\xffz\n"), "<a\xffz>\n");
}

TEST_F(TelnetTest, PassesEveryByteWhenOff) {
  service().utf8 = session::Utf8::Pass;
  listener().telnet = session::Telnet::Off;
  EXPECT_EQ(conversation("a\xff\xf6z\n"), "<a\xff\xf6z>\n");
}

TEST_F(TelnetTest, NegotiatesInReadFramingToo) {
  service().framing = session::Framing::Read;
  start();
  auto client = greeted();
  client.send("he\xff\xf6llo");
  EXPECT_EQ(client.receive_line(), "[yes]\r");
  EXPECT_EQ(client.receive_line(), "<hello>");
}

TEST_F(TelnetTest, CountsNoNegotiationTowardsTheLengthOfALine) {
  service().max_message = base::Bytes{16};
  const auto negotiation = "\xff\xfa\x1f"s + std::string(100, 'n') + "\xff\xf0";
  EXPECT_EQ(conversation("eight by" + negotiation + "eight by\n"), "<eight byeight by>\n");
}

}  // namespace
}  // namespace chatgate::integration
