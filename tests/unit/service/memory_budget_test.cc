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

}  // namespace
}  // namespace chatgate::service
