#include <cstring>
#include <ostream>
#include <string>
#include <string_view>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <chatgate/net/address.h>

namespace chatgate::net {
namespace {

using namespace std::string_literals;

using Family = IpAddress::Family;

IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }
Cidr cidr(std::string_view text) { return Cidr::parse(text).value(); }

template <class Sockaddr>
::sockaddr_storage stored(const Sockaddr& address) {
  ::sockaddr_storage storage{};
  std::memcpy(&storage, &address, sizeof address);
  return storage;
}

struct ReadText {
  const char* name;
  std::string text;
  std::string canonical;
};

void PrintTo(const ReadText& read, std::ostream* out) { *out << read.name; }

class ReadIpAddressTest : public ::testing::TestWithParam<ReadText> {};

TEST_P(ReadIpAddressTest, IsWrittenInItsShortestForm) {
  const auto address = IpAddress::parse(GetParam().text);
  ASSERT_TRUE(address.has_value());
  EXPECT_EQ(to_text(*address), GetParam().canonical);
  EXPECT_EQ(IpAddress::parse(to_text(*address)), address);
}

INSTANTIATE_TEST_SUITE_P(
    Addresses, ReadIpAddressTest,
    ::testing::Values(ReadText{"V4", "192.0.2.1", "192.0.2.1"},
                      ReadText{"V4Any", "0.0.0.0", "0.0.0.0"},
                      ReadText{"V4Broadcast", "255.255.255.255", "255.255.255.255"},
                      ReadText{"V6", "2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
                      ReadText{"V6Any", "::", "::"}, ReadText{"V6Loopback", "::1", "::1"},
                      ReadText{"V4Mapped", "::ffff:192.0.2.1", "192.0.2.1"},
                      ReadText{"V4MappedInHex", "::FFFF:c000:201", "192.0.2.1"},
                      ReadText{"V6OfTheGreatestLength", "1111:2222:3333:4444:5555:6666:7777:8888",
                               "1111:2222:3333:4444:5555:6666:7777:8888"}),
    [](const auto& instance) { return instance.param.name; });

struct RefusedText {
  const char* name;
  std::string text;
};

void PrintTo(const RefusedText& refused, std::ostream* out) { *out << refused.name; }

class RefusedIpAddressTest : public ::testing::TestWithParam<RefusedText> {};

TEST_P(RefusedIpAddressTest, IsNoAddress) {
  EXPECT_EQ(IpAddress::parse(GetParam().text), std::nullopt);
}

INSTANTIATE_TEST_SUITE_P(
    Mistakes, RefusedIpAddressTest,
    ::testing::Values(RefusedText{"Empty", ""}, RefusedText{"Name", "localhost"},
                      RefusedText{"ThreeParts", "10.0.1"},
                      RefusedText{"PartTooGreat", "10.0.0.256"},
                      RefusedText{"LeadingZero", "010.0.0.1"}, RefusedText{"Space", " 10.0.0.1"},
                      RefusedText{"NulInside", "10.0.0.1\0.evil"s},
                      RefusedText{"Port", "10.0.0.1:80"}, RefusedText{"Brackets", "[::1]"},
                      RefusedText{"Zone", "fe80::1%eth0"}, RefusedText{"TwoGaps", "1::2::3"},
                      RefusedText{"TooLong", std::string(200, '1')}),
    [](const auto& instance) { return instance.param.name; });

TEST(IpAddressTest, HasAsManyBitsAsItsFamily) {
  EXPECT_EQ(IpAddress{}.bits(), 0U);
  EXPECT_EQ(ip("192.0.2.1").bits(), 32U);
  EXPECT_EQ(ip("2001:db8::1").bits(), 128U);
  EXPECT_EQ(ip("::ffff:192.0.2.1").bits(), 32U);
}

TEST(IpAddressTest, KeepsItsFirstBitsWhenMasked) {
  EXPECT_EQ(ip("255.255.255.255").masked(0), ip("0.0.0.0"));
  EXPECT_EQ(ip("255.255.255.255").masked(1), ip("128.0.0.0"));
  EXPECT_EQ(ip("255.255.255.255").masked(12), ip("255.240.0.0"));
  EXPECT_EQ(ip("192.0.2.1").masked(32), ip("192.0.2.1"));
  EXPECT_EQ(ip("2001:db8:1:2:3:4:5:6").masked(64), ip("2001:db8:1:2::"));
  EXPECT_EQ(ip("2001:db8::ff").masked(121), ip("2001:db8::80"));
  EXPECT_EQ(ip("2001:db8::ff").masked(128), ip("2001:db8::ff"));
  EXPECT_EQ(IpAddress{}.masked(0), IpAddress{});
}

TEST(IpAddressDeathTest, RefusesToKeepMoreBitsThanItHas) {
  EXPECT_DEATH((void)ip("192.0.2.1").masked(33), "assertion failed: prefix <= bits");
}

TEST(IpAddressTest, IsUnixWhenThereIsNone) { EXPECT_EQ(to_text(IpAddress{}), "unix"); }

class ReadCidrTest : public ::testing::TestWithParam<ReadText> {};

TEST_P(ReadCidrTest, IsWrittenWithItsPrefix) {
  const auto block = Cidr::parse(GetParam().text);
  ASSERT_TRUE(block.has_value());
  EXPECT_EQ(to_text(*block), GetParam().canonical);
  EXPECT_EQ(Cidr::parse(to_text(*block)), block);
}

INSTANTIATE_TEST_SUITE_P(
    Blocks, ReadCidrTest,
    ::testing::Values(ReadText{"V4", "10.0.0.0/8", "10.0.0.0/8"},
                      ReadText{"V4Everything", "0.0.0.0/0", "0.0.0.0/0"},
                      ReadText{"V4Single", "192.0.2.1", "192.0.2.1/32"},
                      ReadText{"V6", "2001:db8::/32", "2001:db8::/32"},
                      ReadText{"V6Everything", "::/0", "::/0"},
                      ReadText{"V6Single", "2001:db8::1", "2001:db8::1/128"},
                      ReadText{"V4Mapped", "::ffff:10.0.0.0/104", "10.0.0.0/8"},
                      ReadText{"V4MappedEverything", "::ffff:0.0.0.0/96", "0.0.0.0/0"},
                      ReadText{"V4MappedSingle", "::ffff:10.0.0.1", "10.0.0.1/32"}),
    [](const auto& instance) { return instance.param.name; });

class RefusedCidrTest : public ::testing::TestWithParam<RefusedText> {};

TEST_P(RefusedCidrTest, IsNoBlock) { EXPECT_EQ(Cidr::parse(GetParam().text), std::nullopt); }

INSTANTIATE_TEST_SUITE_P(
    Mistakes, RefusedCidrTest,
    ::testing::Values(
        RefusedText{"Empty", ""}, RefusedText{"NoAddress", "/8"},
        RefusedText{"NoPrefix", "10.0.0.0/"}, RefusedText{"BitsBeyondThePrefix", "10.0.0.1/8"},
        RefusedText{"V4PrefixTooLong", "10.0.0.0/33"},
        RefusedText{"V6PrefixTooLong", "2001:db8::/129"},
        RefusedText{"PrefixBeyondAnyNumber", "10.0.0.0/4294967304"},
        RefusedText{"NegativePrefix", "10.0.0.0/-8"}, RefusedText{"SignedPrefix", "10.0.0.0/+8"},
        RefusedText{"PrefixWithLeadingZero", "10.0.0.0/08"},
        RefusedText{"TwoPrefixes", "10.0.0.0/8/8"}, RefusedText{"Netmask", "10.0.0.0/255.0.0.0"},
        RefusedText{"V4MappedShorterThanItsMark", "::ffff:0.0.0.0/80"}),
    [](const auto& instance) { return instance.param.name; });

TEST(CidrTest, ContainsItsFirstAndLastAddressAndNoNeighbour) {
  const auto block = cidr("10.32.0.0/11");
  EXPECT_TRUE(block.contains(ip("10.32.0.0")));
  EXPECT_TRUE(block.contains(ip("10.63.255.255")));
  EXPECT_FALSE(block.contains(ip("10.31.255.255")));
  EXPECT_FALSE(block.contains(ip("10.64.0.0")));
}

TEST(CidrTest, ContainsTheV4MappedFormOfItsAddresses) {
  EXPECT_TRUE(cidr("10.0.0.0/8").contains(ip("::ffff:10.1.2.3")));
}

TEST(CidrTest, ContainsNothingOfAnotherFamily) {
  EXPECT_FALSE(cidr("::/0").contains(ip("192.0.2.1")));
  EXPECT_FALSE(cidr("0.0.0.0/0").contains(ip("2001:db8::1")));
  EXPECT_FALSE(cidr("0.0.0.0/0").contains(IpAddress{}));
}

TEST(PeerAddressTest, ReadsAV4Socket) {
  ::sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(4711);
  address.sin_addr.s_addr = htonl(0xc0000201);
  const auto peer = PeerAddress::from_sockaddr(stored(address));
  EXPECT_EQ(peer, (PeerAddress{ip("192.0.2.1"), 4711}));
  EXPECT_EQ(to_text(peer), "192.0.2.1:4711");
}

TEST(PeerAddressTest, ReadsAV6Socket) {
  ::sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(4711);
  ASSERT_EQ(::inet_pton(AF_INET6, "2001:db8::1", &address.sin6_addr), 1);
  const auto peer = PeerAddress::from_sockaddr(stored(address));
  EXPECT_EQ(peer, (PeerAddress{ip("2001:db8::1"), 4711}));
  EXPECT_EQ(to_text(peer), "[2001:db8::1]:4711");
}

TEST(PeerAddressTest, IsAV4PeerWhenItCameToADualStackSocket) {
  ::sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(4711);
  ASSERT_EQ(::inet_pton(AF_INET6, "::ffff:192.0.2.1", &address.sin6_addr), 1);
  const auto peer = PeerAddress::from_sockaddr(stored(address));
  EXPECT_EQ(peer.ip.family, Family::V4);
  EXPECT_EQ(to_text(peer), "192.0.2.1:4711");
}

TEST(PeerAddressTest, HasNoAddressOnAUnixSocket) {
  ::sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto peer = PeerAddress::from_sockaddr(stored(address));
  EXPECT_EQ(peer, PeerAddress{});
  EXPECT_EQ(to_text(peer), "unix");
}

}  // namespace
}  // namespace chatgate::net
