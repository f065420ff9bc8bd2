#include <chrono>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chatgate/service/service_manager.h>

namespace chatgate::service {
namespace {

using ::testing::MatchesRegex;

TEST(ServiceManagerTest, AStatusIsOneLine) {
  EXPECT_EQ(status_state("open 1/2, draining 0"), "STATUS=open 1/2, draining 0");
  EXPECT_EQ(status_state("a\nREADY=1\tb"), "STATUS=a READY=1 b");
}

TEST(ServiceManagerTest, AStatusIsShortAndEndsWithAWholeCharacter) {
  std::string text(510, 'x');
  text += "信息";
  EXPECT_EQ(status_state(text), "STATUS=" + std::string(510, 'x'));
}

TEST(ServiceManagerTest, AReloadCarriesItsTime) {
  EXPECT_THAT(reloading_state(), MatchesRegex("RELOADING=1\nMONOTONIC_USEC=[0-9]+"));
}

TEST(ServiceManagerTest, AnExtensionIsInMicroseconds) {
  EXPECT_EQ(extend_timeout_state(std::chrono::seconds{15}), "EXTEND_TIMEOUT_USEC=15000000");
}

}  // namespace
}  // namespace chatgate::service
