#include <cstdint>

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chatgate/service/machine.h>

namespace chatgate::service {
namespace {

class MachineTest : public ::testing::Test {
 protected:
  MachineTest() {
    ::sched_getaffinity(0, sizeof cpus_, &cpus_);
    ::getrlimit(RLIMIT_NOFILE, &descriptors_);
  }
  ~MachineTest() override {
    ::sched_setaffinity(0, sizeof cpus_, &cpus_);
    ::setrlimit(RLIMIT_NOFILE, &descriptors_);
  }

  cpu_set_t cpus_{};
  ::rlimit descriptors_{};
};

TEST_F(MachineTest, HasAtMostTheCpusThatTheProcessMayRunOn) {
  EXPECT_GE(usable_cpus(), 1U);
  EXPECT_LE(usable_cpus(), static_cast<std::uint32_t>(CPU_COUNT(&cpus_)));
}

TEST_F(MachineTest, HasOneCpuWhenTheProcessIsBoundToOne) {
  int first = 0;
  while (!CPU_ISSET(first, &cpus_)) ++first;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(usable_cpus(), 1U);
}

TEST_F(MachineTest, MayHaveNoMoreMemoryThanThereIs) {
  const auto pages = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES));
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  EXPECT_GT(memory_limit().count, 0U);
  EXPECT_LE(memory_limit().count, pages * page);
}

TEST_F(MachineTest, RaisesTheLimitOfDescriptorsToWhatIsAllowed) {
  const ::rlimit lowered{.rlim_cur = descriptors_.rlim_max / 2, .rlim_max = descriptors_.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &lowered), 0);
  EXPECT_EQ(raise_descriptor_limit(), descriptors_.rlim_max);
  ::rlimit now{};
  ::getrlimit(RLIMIT_NOFILE, &now);
  EXPECT_EQ(now.rlim_cur, descriptors_.rlim_max);
}

}  // namespace
}  // namespace chatgate::service
