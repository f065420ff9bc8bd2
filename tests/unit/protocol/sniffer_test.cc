#include <optional>
#include <ostream>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include <chatgate/protocol/sniffer.h>

namespace chatgate::protocol {
namespace {

using namespace std::string_view_literals;

struct Opening {
  const char* name;
  std::string_view bytes;
  Sniffer::Verdict verdict;
  std::size_t decided_at;  // Bytes until done().
};

void PrintTo(const Opening& opening, std::ostream* out) { *out << opening.name; }

class OpeningTest : public ::testing::TestWithParam<Opening> {};

TEST_P(OpeningTest, IsToldInOneRead) {
  Sniffer sniffer;
  EXPECT_EQ(sniffer.feed(GetParam().bytes), GetParam().verdict);
  EXPECT_EQ(sniffer.done(), GetParam().decided_at <= GetParam().bytes.size());
}

TEST_P(OpeningTest, IsToldByTheByteThatDecides) {
  Sniffer sniffer;
  Sniffer::Verdict verdict;
  std::size_t fed = 0;
  while (!sniffer.done() && fed < GetParam().bytes.size()) {
    EXPECT_FALSE(verdict.has_value());
    verdict = sniffer.feed(GetParam().bytes.substr(fed++, 1));
  }
  EXPECT_EQ(verdict, GetParam().verdict);
  if (sniffer.done()) EXPECT_EQ(fed, GetParam().decided_at);
}

std::string name_of_opening(const ::testing::TestParamInfo<Opening>& instance) {
  return instance.param.name;
}

INSTANTIATE_TEST_SUITE_P(
    Wrong, OpeningTest,
    ::testing::Values(
        Opening{"Tls10", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"sv, WrongProtocol::Tls, 3},
        Opening{"Tls13", "\x16\x03\x03\x00\xa5\x01"sv, WrongProtocol::Tls, 3},
        Opening{"Ssh", "SSH-2.0-OpenSSH_9.2p1\r\n", WrongProtocol::Ssh, 4},
        Opening{"Get", "GET / HTTP/1.1\r\nHost: x\r\n", WrongProtocol::Http, 5},
        Opening{"GetAbsolute", "GET http://x/ HTTP/1.1\r\n", WrongProtocol::Http, 8},
        Opening{"Head", "HEAD /x HTTP/1.0\r\n", WrongProtocol::Http, 6},
        Opening{"Post", "POST /a HTTP/1.1\r\n", WrongProtocol::Http, 6},
        Opening{"Put", "PUT /a HTTP/1.1\r\n", WrongProtocol::Http, 5},
        Opening{"Delete", "DELETE /a HTTP/1.1\r\n", WrongProtocol::Http, 8},
        Opening{"Patch", "PATCH /a HTTP/1.1\r\n", WrongProtocol::Http, 7},
        Opening{"Trace", "TRACE / HTTP/1.1\r\n", WrongProtocol::Http, 7},
        Opening{"Options", "OPTIONS * HTTP/1.1\r\n", WrongProtocol::Http, 9},
        Opening{"OptionsOfAPath", "OPTIONS / HTTP/1.1\r\n", WrongProtocol::Http, 9},
        Opening{"Http2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", WrongProtocol::Http, 5},
        Opening{"Connect", "CONNECT ab.cd:443 HTTP/1.1\r\n", WrongProtocol::Http, 15},
        Opening{"ProxyTcp4", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n", WrongProtocol::Proxy, 11},
        Opening{"ProxyTcp6", "PROXY TCP6 ::1 ::1 1 2\r\n", WrongProtocol::Proxy, 11},
        Opening{"ProxyUnknown", "PROXY UNKNOWN\r\n", WrongProtocol::Proxy, 13},
        Opening{"ProxyVersion2", "\r\n\r\n\0\r\nQUIT\n\x21\x11"sv, WrongProtocol::Proxy, 12}),
    name_of_opening);

INSTANTIATE_TEST_SUITE_P(
    Right, OpeningTest,
    ::testing::Values(Opening{"Hello", "Ho\r\nfirst blood\r\n", std::nullopt, 2},
                      Opening{"Utf8", "测试\n", std::nullopt, 1},
                      Opening{"Telnet", "\xff\xfd\x03"sv, std::nullopt, 1},
                      Opening{"GetOut", "GET out of here\r\n", std::nullopt, 5},
                      Opening{"GetAtLast", "GET hold of it\r\n", std::nullopt, 6},
                      Opening{"GetStar", "GET * or nothing\r\n", std::nullopt, 5},
                      Opening{"LowerCaseGet", "get /etc/passwd\r\n", std::nullopt, 1},
                      Opening{"GetAlone", "GET\r\n", std::nullopt, 4},
                      Opening{"PostOffice", "POST office\r\n", std::nullopt, 6},
                      Opening{"OptionsPlease", "OPTIONS please\r\n", std::nullopt, 9},
                      Opening{"ConnectMe", "CONNECT me please\r\n", std::nullopt, 11},
                      Opening{"ConnectLongName", "CONNECT a-host.example:443", std::nullopt, 16},
                      Opening{"ConnectSmiley", "CONNECT us:) now", std::nullopt, 12},
                      Opening{"ConnectColon", "CONNECT :1 please", std::nullopt, 9},
                      Opening{"SshWord", "SSH is nice\r\n", std::nullopt, 4},
                      Opening{"ProxyWord", "PROXY TCP is a thing\r\n", std::nullopt, 10},
                      Opening{"EmptyLines", "\r\n\r\nhello\r\n", std::nullopt, 5},
                      Opening{"Record", "\x16\x03\x05", std::nullopt, 3},
                      Opening{"NothingYet", "", std::nullopt, 1},
                      Opening{"UndecidedYet", "GET", std::nullopt, 4},
                      Opening{"EmptyLineYet", "\r\n", std::nullopt, 3}),
    name_of_opening);

TEST(SnifferTest, SpeaksToAnHttpClientInItsOwnTerms) {
  EXPECT_TRUE(kHttpAnswer.starts_with("HTTP/1.1 400 Bad Request\r\n"));
  const auto head_end = kHttpAnswer.find("\r\n\r\n");
  ASSERT_NE(head_end, std::string_view::npos);
  const auto body = kHttpAnswer.substr(head_end + 4);
  const auto length = "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  EXPECT_NE(kHttpAnswer.find(length), std::string_view::npos);
  EXPECT_NE(kHttpAnswer.find("\r\nConnection: close\r\n"), std::string_view::npos);
}

TEST(SnifferTest, SpeaksToATlsClientInItsOwnTerms) {
  // Record of type alert, TLS 1.2, two bytes: fatal, handshake_failure.
  EXPECT_EQ(kTlsAlert, "\x15\x03\x03\x00\x02\x02\x28"sv);
}

}  // namespace
}  // namespace chatgate::protocol
