#include "admission_fixture.h"

#include <algorithm>
#include <random>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include <chatgate/admission/access_list.h>

namespace chatgate::admission {
namespace {

using Family = net::IpAddress::Family;

net::Cidr cidr(std::string_view text) { return net::Cidr::parse(text).value(); }

TEST(AccessListTest, ContainsNobodyWhenEmpty) {
  EXPECT_TRUE(AccessList{}.empty());
  EXPECT_FALSE(AccessList{}.contains(ip("192.0.2.1")));
  EXPECT_FALSE(AccessList{}.contains(ip("2001:db8::1")));
}

TEST(AccessListTest, ContainsItsBlocksFromTheFirstAddressToTheLast) {
  const AccessList list{{cidr("10.0.0.0/8"), cidr("192.0.2.1"), cidr("2001:db8::/33")}};
  EXPECT_FALSE(list.empty());
  EXPECT_FALSE(list.contains(ip("9.255.255.255")));
  EXPECT_TRUE(list.contains(ip("10.0.0.0")));
  EXPECT_TRUE(list.contains(ip("10.255.255.255")));
  EXPECT_FALSE(list.contains(ip("11.0.0.0")));
  EXPECT_FALSE(list.contains(ip("192.0.2.0")));
  EXPECT_TRUE(list.contains(ip("192.0.2.1")));
  EXPECT_FALSE(list.contains(ip("192.0.2.2")));
  EXPECT_TRUE(list.contains(ip("2001:db8::")));
  EXPECT_TRUE(list.contains(ip("2001:db8:7fff:ffff:ffff:ffff:ffff:ffff")));
  EXPECT_FALSE(list.contains(ip("2001:db8:8000::")));
}

TEST(AccessListTest, ContainsAWholeFamilyWithoutTheOther) {
  const AccessList v4{{cidr("0.0.0.0/0")}};
  EXPECT_TRUE(v4.contains(ip("0.0.0.0")));
  EXPECT_TRUE(v4.contains(ip("255.255.255.255")));
  EXPECT_TRUE(v4.contains(ip("::ffff:192.0.2.1")));
  EXPECT_FALSE(v4.contains(ip("::")));
  const AccessList v6{{cidr("::/0")}};
  EXPECT_TRUE(v6.contains(ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")));
  EXPECT_FALSE(v6.contains(ip("192.0.2.1")));
}

TEST(AccessListTest, ContainsNoPeerWithoutAnAddress) {
  EXPECT_FALSE((AccessList{{cidr("0.0.0.0/0"), cidr("::/0")}}).contains(net::IpAddress{}));
}

TEST(AccessListTest, KeepsABlockWholeThatContainsOthers) {
  const AccessList list{{cidr("10.1.0.0/16"), cidr("10.0.0.0/8"), cidr("10.0.0.0/16"),
                         cidr("10.0.0.0/8"), cidr("10.255.0.0/16")}};
  EXPECT_TRUE(list.contains(ip("10.0.0.0")));
  EXPECT_TRUE(list.contains(ip("10.2.0.0")));
  EXPECT_TRUE(list.contains(ip("10.254.255.255")));
  EXPECT_FALSE(list.contains(ip("11.0.0.0")));
}

// Few bits vary, so that blocks often touch, nest and hold the addresses asked for.
net::IpAddress random_address(Family family, std::mt19937& random) {
  net::IpAddress address{.family = family};
  for (std::size_t i = 0; i < address.bits() / 8; ++i) {
    address.bytes[i] = static_cast<std::uint8_t>(random() & 0x81U);
  }
  return address;
}

class AccessListFamilyTest : public ::testing::TestWithParam<Family> {};

TEST_P(AccessListFamilyTest, AgreesWithALookAtEachBlock) {
  std::mt19937 random{1935};
  for (int round = 0; round < 50; ++round) {
    std::vector<net::Cidr> blocks;
    for (int i = 0; i < 20; ++i) {
      const auto address = random_address(GetParam(), random);
      const auto prefix = static_cast<std::uint8_t>(random() % (address.bits() + 1));
      if (prefix > 3) blocks.push_back({address.masked(prefix), prefix});
    }
    const AccessList list{blocks};
    for (int i = 0; i < 200; ++i) {
      const auto address = random_address(GetParam(), random);
      const bool expected = std::any_of(blocks.begin(), blocks.end(),
                                        [&](const auto& block) { return block.contains(address); });
      ASSERT_EQ(list.contains(address), expected) << net::to_text(address);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Families, AccessListFamilyTest, ::testing::Values(Family::V4, Family::V6),
                         [](const auto& instance) {
                           return instance.param == Family::V4 ? "V4" : "V6";
                         });

TEST(AccessListTest, TellsNeighboursApartAmongAHundredThousandBlocks) {
  std::vector<net::Cidr> blocks;
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    net::IpAddress even{.family = Family::V4};
    even.bytes = {static_cast<std::uint8_t>(i >> 15), static_cast<std::uint8_t>(i >> 7),
                  static_cast<std::uint8_t>(i << 1)};
    blocks.push_back({even, 24});
  }
  std::shuffle(blocks.begin(), blocks.end(), std::mt19937{1935});
  const AccessList list{blocks};
  for (auto block : blocks) {
    block.network.bytes[3] = 200;
    ASSERT_TRUE(list.contains(block.network));
    block.network.bytes[2] |= 1;
    ASSERT_FALSE(list.contains(block.network));
  }
}

}  // namespace
}  // namespace chatgate::admission
