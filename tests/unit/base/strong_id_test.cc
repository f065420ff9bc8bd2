#include <type_traits>
#include <unordered_set>

#include <gtest/gtest.h>

#include <chatgate/base/strong_id.h>

namespace chatgate::base {
namespace {

static_assert(!std::is_convertible_v<SessionId, ListenerId>);
static_assert(!std::is_convertible_v<SessionId, std::uint64_t>);
static_assert(!std::is_convertible_v<std::uint64_t, SessionId>);
static_assert(sizeof(ListenerId) == sizeof(std::uint32_t));

TEST(StrongIdTest, ComparesAsItsNumber) {
  EXPECT_EQ(SessionId{7}, SessionId{7});
  EXPECT_NE(SessionId{7}, SessionId{8});
  EXPECT_LT(SessionId{7}, SessionId{8});
  EXPECT_EQ(SessionId{}, SessionId{0});
}

TEST(StrongIdTest, IsAKeyOfHashedContainers) {
  std::unordered_set<SessionId> seen;
  EXPECT_TRUE(seen.insert(SessionId{1}).second);
  EXPECT_TRUE(seen.insert(SessionId{2}).second);
  EXPECT_FALSE(seen.insert(SessionId{1}).second);
}

}  // namespace
}  // namespace chatgate::base
