#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

#include <chatgate/service/machine.h>
#include <chatgate/service/memory_meter.h>
#include <chatgate/support/temp_dir.h>

namespace chatgate::service {
namespace {

constexpr base::Bytes kExact{0};

/// What the kernel would show of processes and cgroups, in a folder.
class MemoryMeterTest : public ::testing::Test {
 protected:
  void write(const std::string& file, const std::string& text) const {
    const std::filesystem::path path{dir_.file(file)};
    std::filesystem::create_directories(path.parent_path());
    std::ofstream{path} << text;
  }
  MemoryMeter meter() const { return MemoryMeter{dir_.file("proc"), dir_.file("cgroup")}; }

  // A v2 cgroup with files that are in use, and others that are not.
  void write_unified(const std::string& folder, const std::string& limit) const {
    write(folder + "/memory.max", limit + "\n");
    write(folder + "/memory.current", "60000000\n");
    write(folder + "/memory.stat", "anon 1\nfile 30000000\ninactive_file 20000000\nsock 7\n");
  }

  const support::TempDir dir_;
};

TEST_F(MemoryMeterTest, MeasuresTheProcessWhereNothingElseLimitsIt) {
  write("proc/self/cgroup", "0::/\n");
  write("proc/self/statm", "900 100 30 1 0 50 0\n");
  const auto pages = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES));
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  EXPECT_EQ(meter().limit().count, pages * page);
  EXPECT_EQ(meter().used(kExact).count, 100 * page);
}

TEST_F(MemoryMeterTest, MeasuresItsCgroupWithoutFilesThatNobodyUses) {
  write("proc/self/cgroup", "0::/a/b\n");
  write_unified("cgroup/a/b", "67108864");
  EXPECT_EQ(meter().limit(), base::Bytes{64 << 20});
  EXPECT_EQ(meter().used(kExact), base::Bytes{40'000'000});
}

TEST_F(MemoryMeterTest, MeasuresRoughlyWhatIsFarFromMattering) {
  write("proc/self/cgroup", "0::/a\n");
  write_unified("cgroup/a", "67108864");
  EXPECT_EQ(meter().used({60'000'001}), base::Bytes{60'000'000});
  EXPECT_EQ(meter().used({60'000'000}), base::Bytes{40'000'000});
}

TEST_F(MemoryMeterTest, FindsTheLeastLimitOnTheWay) {
  write("proc/self/cgroup", "0::/a/b/c\n");
  write_unified("cgroup/a", "50000000");
  write_unified("cgroup/a/b", "40000000");
  write_unified("cgroup/a/b/c", "max");
  write("cgroup/a/b/memory.current", "12345678\n");
  EXPECT_EQ(meter().limit(), base::Bytes{40'000'000});
  EXPECT_EQ(meter().used({20'000'000}), base::Bytes{12'345'678});
}

TEST_F(MemoryMeterTest, FindsItsOwnCgroupAtTheRootOfAContainersMount) {
  write("proc/self/cgroup", "0::/not/visible/here\n");
  write_unified("cgroup", "67108864");
  EXPECT_EQ(meter().limit(), base::Bytes{64 << 20});
}

TEST_F(MemoryMeterTest, KnowsTheFirstVersionOfCgroups) {
  write("proc/self/cgroup", "5:memory:/pod\n3:cpu,cpuacct:/pod\n0::/\n");
  write("cgroup/memory/pod/memory.limit_in_bytes", "67108864\n");
  write("cgroup/memory/pod/memory.usage_in_bytes", "50000000\n");
  write("cgroup/memory/pod/memory.stat", "inactive_file 5\ntotal_inactive_file 10000000\n");
  EXPECT_EQ(meter().limit(), base::Bytes{64 << 20});
  EXPECT_EQ(meter().used(kExact), base::Bytes{40'000'000});
}

TEST_F(MemoryMeterTest, FindsALimitThatChanges) {
  write("proc/self/cgroup", "0::/a\n");
  write_unified("cgroup/a", "67108864");
  auto one = meter();
  write("cgroup/a/memory.max", "33554432\n");
  one.find_limit();
  EXPECT_EQ(one.limit(), base::Bytes{32 << 20});
}

TEST_F(MemoryMeterTest, IsNotMisledByFilesThatItCannotUnderstand) {
  write("proc/self/cgroup", "nonsense\n0::/a\n");
  write("cgroup/a/memory.max", "0\n");
  write("cgroup/memory.max", "-1\n");
  EXPECT_GT(meter().limit().count, 0U);
  EXPECT_EQ(meter().used(kExact), base::Bytes{0});
}

TEST(RealMemoryMeterTest, MeasuresThisProcess) {
  const MemoryMeter meter;
  EXPECT_EQ(meter.limit(), memory_limit());
  EXPECT_GT(meter.used(kExact).count, 1U << 20);
  EXPECT_LT(meter.used(kExact).count, meter.limit().count);
}

}  // namespace
}  // namespace chatgate::service
