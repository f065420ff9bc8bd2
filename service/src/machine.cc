#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chatgate/service/machine.h>

namespace chatgate::service {
namespace {

struct CgroupPath {
  std::string unified;  // cgroup v2
  std::string cpu;      // cgroup v1, the cpu controller
  std::string memory;   // cgroup v1, the memory controller
};

// /proc/self/cgroup holds lines `0::/path` (v2) and `4:cpu,cpuacct:/path` (v1): cgroups(7).
CgroupPath own_cgroup() {
  CgroupPath path;
  std::ifstream lines{"/proc/self/cgroup"};
  for (std::string line; std::getline(lines, line);) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const auto controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    if (controllers == ",,") path.unified = line.substr(second + 1);
    if (controllers.find(",cpu,") != std::string::npos) path.cpu = line.substr(second + 1);
    if (controllers.find(",memory,") != std::string::npos) path.memory = line.substr(second + 1);
  }
  return path;
}

std::optional<double> read_ratio(const std::string& quota, const std::string& period) {
  try {
    const double cpus = std::stod(quota) / std::stod(period);
    if (cpus > 0) return cpus;
  } catch (const std::exception&) {
    // `max`, -1 or an empty file: no quota.
  }
  return std::nullopt;
}

std::optional<double> quota_of(const std::string& folder) {
  std::string quota;
  std::string period;
  if (std::ifstream{folder + "/cpu.max"} >> quota >> period) return read_ratio(quota, period);
  std::ifstream{folder + "/cpu.cfs_quota_us"} >> quota;
  std::ifstream{folder + "/cpu.cfs_period_us"} >> period;
  return read_ratio(quota, period);
}

// A container sees its own cgroup at the root of the mount, everybody else at the path.
std::optional<double> cgroup_quota() {
  const auto own = own_cgroup();
  std::optional<double> least;
  for (const auto& folder : {"/sys/fs/cgroup" + own.unified, std::string{"/sys/fs/cgroup"},
                             "/sys/fs/cgroup/cpu" + own.cpu, std::string{"/sys/fs/cgroup/cpu"}}) {
    const auto quota = quota_of(folder);
    if (quota) least = std::min(*quota, least.value_or(*quota));
  }
  return least;
}

// The least number in `file` of `path` below `mount` and of each folder around it, at most `most`.
// `max`, or no such file, is no limit.
std::uint64_t least_on_the_way(const std::string& mount, std::string path, const std::string& file,
                               std::uint64_t most) {
  while (true) {
    std::uint64_t limit = 0;
    const auto name = std::filesystem::path{mount + path} / file;
    if (std::ifstream{name} >> limit) most = std::min(most, limit);
    if (path.empty()) return most;
    path.resize(path.rfind('/') == std::string::npos ? 0 : path.rfind('/'));
  }
}

}  // namespace

std::uint32_t usable_cpus() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  const bool is_known = ::sched_getaffinity(0, sizeof mask, &mask) == 0;
  const double affine = is_known ? std::max(CPU_COUNT(&mask), 1) : 1;
  const double quota = cgroup_quota().value_or(affine);
  return static_cast<std::uint32_t>(std::max(1.0, std::ceil(std::min(affine, quota))));
}

base::Bytes memory_limit() {
  const auto own = own_cgroup();
  auto least = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
               static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  least = least_on_the_way("/sys/fs/cgroup", own.unified, "memory.max", least);
  least = least_on_the_way("/sys/fs/cgroup/memory", own.memory, "memory.limit_in_bytes", least);
  return {least};
}

std::uint64_t raise_descriptor_limit() {
  ::rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const ::rlimit raised{.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
  if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  return limit.rlim_cur;
}

}  // namespace chatgate::service
