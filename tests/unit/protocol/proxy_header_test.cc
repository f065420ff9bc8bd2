#include <array>
#include <ostream>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chatgate/protocol/proxy_header.h>
#include <chatgate/support/proxy_header_model.h>

namespace chatgate::protocol {
namespace {

using support::ip_bytes;
using support::make_proxy_v2;
using support::ModelHeader;
using support::port_bytes;
using State = ProxyParse::State;
using Relayed = ProxyHeader::Relayed;

constexpr std::size_t kHeaderLineMax = 107;

std::string client_of(const ProxyHeader& header) {
  if (header.relayed == Relayed::Nobody) return "";
  const bool is_v4 = header.relayed == Relayed::V4;
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(is_v4 ? AF_INET : AF_INET6, header.client_ip.data(), text.data(), text.size());
  return fmt::format(fmt::runtime(is_v4 ? "{}:{}" : "[{}]:{}"), text.data(), header.client_port);
}

// `size client`, `more`, or `at OFFSET: expected`.
std::string outcome(const std::string& bytes) {
  const auto parse = parse_proxy_header(bytes);
  switch (parse.state) {
    case State::NeedMore:
      return "more";
    case State::Complete:
      return fmt::format("{} {}", parse.header.size, client_of(parse.header));
    case State::Invalid:
      return fmt::format("at {}: {}", parse.mistake.offset, parse.mistake.expected);
  }
  return "";
}

std::string v4_addresses() {
  return ip_bytes("192.0.2.1") + ip_bytes("198.51.100.7") + port_bytes(4711) + port_bytes(1935);
}
std::string v6_addresses() {
  return ip_bytes("2001:db8::1") + ip_bytes("2001:db8::2") + port_bytes(4711) + port_bytes(1935);
}
std::string tlv(char type, const std::string& value) {
  return type + port_bytes(static_cast<std::uint16_t>(value.size())) + value;
}
std::string signature() { return make_proxy_v2(0, 0, "").substr(0, 12); }

struct HeaderCase {
  const char* name;
  std::string bytes;
  std::string client;  // Empty: nobody is relayed.
};

void PrintTo(const HeaderCase& header, std::ostream* out) { *out << header.name; }

std::vector<HeaderCase> good_headers() {
  const std::string longest = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
  return {
      {"V1Tcp4", "PROXY TCP4 192.0.2.1 198.51.100.7 4711 1935\r\n", "192.0.2.1:4711"},
      {"V1Tcp4Longest", "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
       "255.255.255.255:65535"},
      {"V1Tcp4Shortest", "PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", "0.0.0.0:0"},
      {"V1Tcp6", "PROXY TCP6 2001:db8::1 2001:DB8::2 4711 1935\r\n", "[2001:db8::1]:4711"},
      {"V1Tcp6Longest", fmt::format("PROXY TCP6 {} {} 65535 65535\r\n", longest, longest),
       fmt::format("[{}]:65535", longest)},
      {"V1Tcp6Mapped", "PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n", "[::ffff:192.0.2.1]:1"},
      {"V1Unknown", "PROXY UNKNOWN\r\n", ""},
      {"V1UnknownWithWhatever", "PROXY UNKNOWN whatever \r stands here\r\n", ""},
      {"V1UnknownLongest", fmt::format("PROXY UNKNOWN {} {} 65535 65535\r\n", longest, longest),
       ""},
      {"V2Tcp4", make_proxy_v2(0x21, 0x11, v4_addresses()), "192.0.2.1:4711"},
      {"V2Tcp6", make_proxy_v2(0x21, 0x21, v6_addresses()), "[2001:db8::1]:4711"},
      {"V2Tcp4WithTlvs", make_proxy_v2(0x21, 0x11, v4_addresses(), tlv(2, "host") + tlv(4, "")),
       "192.0.2.1:4711"},
      {"V2Tcp4WithChecksum", make_proxy_v2(0x21, 0x11, v4_addresses(), tlv(5, "unique"), true),
       "192.0.2.1:4711"},
      {"V2Tcp6WithChecksum", make_proxy_v2(0x21, 0x21, v6_addresses(), "", true),
       "[2001:db8::1]:4711"},
      {"V2Longest",
       make_proxy_v2(0x21, 0x11, v4_addresses(),
                     tlv(4, std::string(kProxyHeaderBytesMax - 28 - 3, '\0'))),
       "192.0.2.1:4711"},
      {"V2Udp4", make_proxy_v2(0x21, 0x12, v4_addresses()), ""},
      {"V2Unix", make_proxy_v2(0x21, 0x31, std::string(216, 'x')), ""},
      {"V2Unspecified", make_proxy_v2(0x21, 0x00, "", tlv(4, "x")), ""},
      {"V2Local", make_proxy_v2(0x20, 0x00, ""), ""},
      {"V2LocalWithChecksum", make_proxy_v2(0x20, 0x00, "", "", true), ""},
      {"V2LocalWithWhatever", make_proxy_v2(0x20, 0xFF, "whatever"), ""},
  };
}

class GoodProxyHeaderTest : public ::testing::TestWithParam<HeaderCase> {};

TEST_P(GoodProxyHeaderTest, TellsTheClient) {
  const auto& [name, bytes, client] = GetParam();
  EXPECT_EQ(outcome(bytes), fmt::format("{} {}", bytes.size(), client));
}

TEST_P(GoodProxyHeaderTest, LeavesWhatFollowsAlone) {
  const auto& [name, bytes, client] = GetParam();
  EXPECT_EQ(outcome(bytes + "hello\r\n" + bytes), fmt::format("{} {}", bytes.size(), client));
}

TEST_P(GoodProxyHeaderTest, IsAwaitedToItsLastByte) {
  const auto& bytes = GetParam().bytes;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    ASSERT_EQ(outcome(bytes.substr(0, size)), "more") << size << " bytes";
  }
}

// Each byte by each other value: the same as the model, which reads in another way.
TEST_P(GoodProxyHeaderTest, IsTakenAsTheModelSaysWhenOneByteIsWrong) {
  const auto& bytes = GetParam().bytes;
  // All of a long TLV's bytes are alike.
  const auto changed = std::min<std::size_t>(bytes.size(), 256);
  for (std::size_t at = 0; at < changed; ++at) {
    for (unsigned value = 0; value < 256; ++value) {
      auto wrong = bytes;
      wrong[at] = static_cast<char>(value);
      const auto parse = parse_proxy_header(wrong);
      const auto expected = support::model_proxy_header(wrong);
      ASSERT_EQ(parse.state == State::Complete, expected.has_value()) << at << " is " << value;
      if (!expected) continue;
      ASSERT_EQ((ModelHeader{parse.header.size, client_of(parse.header)}), *expected);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Headers, GoodProxyHeaderTest, ::testing::ValuesIn(good_headers()),
                         [](const auto& instance) { return instance.param.name; });

TEST(ProxyHeaderTest, TakesWhatHaproxySends) {
  // HAProxy 2.6.12, `send-proxy-v2 proxy-v2-options crc32c`.
  const std::string header{
      "\r\n\r\n\0\r\nQUIT\n"
      "\x21\x11\0\x13\x7f\0\0\x01\x7f\0\0\x01\xc7\xd2\xab\x7d\x03\0\x04\xc3\x80\x3c\x32",
      35};
  EXPECT_EQ(outcome(header), "35 127.0.0.1:51154");
}

// A wrong byte can at most cut off or hide the checksum: it is in the header's length (15), in the
// length of the TLV before it (30), or in its own type (37), and the client stays the same.
TEST(ProxyHeaderTest, TakesNoOtherClientFromAWrongByteOfAHeaderWithAChecksum) {
  const auto right = make_proxy_v2(0x21, 0x11, v4_addresses(), tlv(5, "unique"), true);
  for (std::size_t at = 0; at < right.size(); ++at) {
    for (unsigned value = 0; value < 256; ++value) {
      auto wrong = right;
      wrong[at] = static_cast<char>(value);
      if (wrong == right) continue;
      const auto parse = parse_proxy_header(wrong);
      if (parse.state != State::Complete) continue;
      ASSERT_TRUE(at == 15 || at == 30 || at == 37) << at << " is " << value;
      ASSERT_EQ(client_of(parse.header), "192.0.2.1:4711");
    }
  }
}

struct BadHeader {
  const char* name;
  std::string bytes;
  std::string outcome;
};

void PrintTo(const BadHeader& header, std::ostream* out) { *out << header.name; }

std::vector<BadHeader> bad_headers() {
  const std::string v4 = "at 11: an IPv4 address";
  return {
      {"Text", "hello\n", "at 0: PROXY or the signature of version 2"},
      {"Http", "POST / HTTP/1.1\r\n", "at 1: PROXY and a space"},
      {"LowerCase", "Proxy TCP4", "at 1: PROXY and a space"},
      {"NoSpace", "PROXY\r\n", "at 5: PROXY and a space"},
      {"UnknownProtocol", "PROXY UDP4 ", "at 6: TCP4, TCP6 or UNKNOWN"},
      {"UnknownGlued", "PROXY UNKNOWNX\r\n", "at 6: TCP4, TCP6 or UNKNOWN"},
      {"TwoSpaces", "PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n", v4},
      {"LeadingZero", "PROXY TCP4 192.0.02.1 192.0.2.2 1 2\r\n", v4},
      {"ThreeNumbers", "PROXY TCP4 192.0.2 192.0.2.2 1 2\r\n", v4},
      {"OtherFamily", "PROXY TCP4 ::1 ::2 1 2\r\n", v4},
      {"OtherFamilyBehind", "PROXY TCP6 ::1 192.0.2.2 1 2\r\n", "at 15: an IPv6 address"},
      {"Zone", "PROXY TCP6 fe80::1%lo ::2 1 2\r\n", "at 11: an IPv6 address"},
      {"NulInAddress", std::string{"PROXY TCP4 1.2.3.4\0 1.2.3.4 1 2\r\n", 34}, v4},
      {"PortTooHigh", "PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n", "at 27: a port from 0 to 65535"},
      {"PortWithZero", "PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n", "at 27: a port from 0 to 65535"},
      {"PortWithSign", "PROXY TCP4 1.2.3.4 1.2.3.4 +1 2\r\n", "at 27: a port from 0 to 65535"},
      {"PortMissing", "PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", "at 28: a port from 0 to 65535"},
      {"FifthField", "PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n", "at 32: CR LF behind the second port"},
      {"LfAlone", "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n", "at 30: CR before LF"},
      {"UnknownLfAlone", "PROXY UNKNOWN\n", "at 13: CR before LF"},
      {"TooLong", "PROXY UNKNOWN " + std::string(kHeaderLineMax, 'x'),
       "at 107: CR LF within 107 bytes"},
      {"EndsOneTooLate", "PROXY UNKNOWN " + std::string(kHeaderLineMax - 15, 'x') + "\r\n",
       "at 107: CR LF within 107 bytes"},
      {"Signature", "\r\n\r\n\r\n", "at 4: the signature of version 2"},
      {"Version1InBinary", signature() + "\x11", "at 12: 0x20 (LOCAL) or 0x21 (PROXY)"},
      {"Command2", signature() + "\x22", "at 12: 0x20 (LOCAL) or 0x21 (PROXY)"},
      {"Family4", signature() + "\x21\x41",
       "at 13: an address family up to 3 and a protocol up to 2"},
      {"Protocol3", signature() + "\x21\x13",
       "at 13: an address family up to 3 and a protocol up to 2"},
      {"LengthTooShort", make_proxy_v2(0x21, 0x11, v4_addresses().substr(1)),
       "at 14: a length that holds the addresses"},
      {"LengthTooLong", signature() + "\x21\x11\x0f\xf1", "at 14: a length of at most 4080 bytes"},
      {"LocalTooLong", signature() + std::string{"\x20\0\xff\xff", 4},
       "at 14: a length of at most 4080 bytes"},
      {"HalfTlv", make_proxy_v2(0x21, 0x11, v4_addresses(), "\x04"), "at 28: a whole TLV"},
      {"TlvBeyondTheEnd", make_proxy_v2(0x21, 0x11, v4_addresses(), std::string{"\x04\0\x01", 3}),
       "at 29: a TLV that ends within the header"},
      {"ChecksumOfThreeBytes", make_proxy_v2(0x21, 0x11, v4_addresses(), tlv(3, "abc")),
       "at 29: a CRC32C of 4 bytes"},
      {"WrongChecksum", make_proxy_v2(0x21, 0x11, v4_addresses(), tlv(3, "abcd")),
       "at 31: the CRC32C of this header"},
      {"LocalWithWrongChecksum", make_proxy_v2(0x20, 0x00, "", tlv(3, "abcd")),
       "at 19: the CRC32C of this header"},
  };
}

class BadProxyHeaderTest : public ::testing::TestWithParam<BadHeader> {};

TEST_P(BadProxyHeaderTest, IsRefusedWhereItIsWrong) {
  EXPECT_EQ(outcome(GetParam().bytes), GetParam().outcome);
  EXPECT_EQ(support::model_proxy_header(GetParam().bytes), std::nullopt);
}

TEST_P(BadProxyHeaderTest, StaysRefusedWhateverFollows) {
  EXPECT_EQ(outcome(GetParam().bytes + "\r\n 1 2\r\n"), GetParam().outcome);
}

INSTANTIATE_TEST_SUITE_P(Headers, BadProxyHeaderTest, ::testing::ValuesIn(bad_headers()),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace chatgate::protocol
