#include <gtest/gtest.h>

#include <chatgate/service/machine.h>
#include <chatgate/service/memory_budget.h>

namespace chatgate::service {
namespace {

TEST(MemoryBudgetTest, LeavesASmallBudgetAlone) {
  EXPECT_EQ(output_budget(base::Bytes{65536}), base::Bytes{65536});
}

TEST(MemoryBudgetTest, IsAtMostHalfOfTheMemory) {
  const auto memory = memory_limit();
  EXPECT_EQ(output_budget(memory).count, memory.count / 2);
}

TEST(MemoryBudgetTest, LeavesTheKernelATenthOfWhatThereIs) {
  EXPECT_EQ(memory_budget({64 << 20}, {0}), base::Bytes{(64U << 20) / 10 * 9});
  EXPECT_EQ(memory_budget({64 << 20}, {1 << 30}), base::Bytes{(64U << 20) / 10 * 9});
}

TEST(MemoryBudgetTest, IsWhatTheConfigurationSaysWhenThatIsLess) {
  EXPECT_EQ(memory_budget({64 << 20}, {1 << 20}), base::Bytes{1 << 20});
}

}  // namespace
}  // namespace chatgate::service
