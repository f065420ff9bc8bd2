#include <limits>
#include <stdexcept>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chatgate/service/connection_limit.h>
#include <chatgate/service/machine.h>
#include <chatgate/support/temp_dir.h>

namespace chatgate::service {
namespace {

using ::testing::HasSubstr;

class ConnectionLimitTest : public ::testing::Test {
 protected:
  // The limit in effect, and the log that tells of it.
  admission::LimitOptions lowered(const LimitsConfig& limits) {
    telemetry::Log log;
    EXPECT_EQ(log.apply({.output = "file:" + folder_.file("log")}), std::nullopt);
    return within_descriptors(limits, log);
  }
  std::string log() const { return folder_.read("log"); }

  const std::uint64_t descriptors_ = raise_descriptor_limit();
  const support::TempDir folder_;
};

TEST_F(ConnectionLimitTest, LeavesRoomFor256LingeringRefusalsWhereThereAreDescriptors) {
  LimitsConfig limits;
  limits.admission.max_connections = 50;
  EXPECT_EQ(lingering_refusals_max(limits), 256U);
}

TEST_F(ConnectionLimitTest, LeavesLingeringRefusalsHalfOfTheReserveWhereThereAreNoMore) {
  LimitsConfig limits;
  limits.reserve_fds = 100;
  limits.admission.max_connections = static_cast<std::uint32_t>(descriptors_ - 100);
  EXPECT_EQ(lingering_refusals_max(limits), 50U);
}

TEST_F(ConnectionLimitTest, StaysWhenThereAreDescriptorsEnough) {
  LimitsConfig limits;
  limits.admission.max_connections = static_cast<std::uint32_t>(descriptors_ - 64);
  limits.reserve_fds = 64;
  EXPECT_EQ(lowered(limits), limits.admission);
  EXPECT_EQ(log(), "");
}

TEST_F(ConnectionLimitTest, IsLoweredToTheDescriptorsThatAreNotReservedAndLogged) {
  LimitsConfig limits;
  limits.admission.max_connections = static_cast<std::uint32_t>(descriptors_ - 63);
  limits.reserve_fds = 64;
  auto expected = limits.admission;
  expected.max_connections -= 1;
  EXPECT_EQ(lowered(limits), expected);
  EXPECT_THAT(log(), HasSubstr("event=connection_limit_lowered"));
  EXPECT_THAT(log(), HasSubstr("effective=" + std::to_string(descriptors_ - 64)));
}

TEST_F(ConnectionLimitTest, IsAsLowAsSixteenAndNoLower) {
  LimitsConfig limits;
  limits.reserve_fds = static_cast<std::uint32_t>(descriptors_ - kConnectionsMin);
  EXPECT_EQ(lowered(limits).max_connections, kConnectionsMin);
  ++limits.reserve_fds;
  EXPECT_THROW(lowered(limits), std::runtime_error);
}

TEST_F(ConnectionLimitTest, IsRefusedInWordsWhenEverythingIsReserved) {
  LimitsConfig limits;
  limits.reserve_fds = std::numeric_limits<std::uint32_t>::max();
  try {
    lowered(limits);
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("that leaves 0 connections, and at least 16 are needed"));
    EXPECT_THAT(error.what(), HasSubstr("raise LimitNOFILE"));
  }
}

}  // namespace
}  // namespace chatgate::service
