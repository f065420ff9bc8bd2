#include "cgroup.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <optional>
#include <string>

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chatgate/service/machine.h>
#include <chatgate/service/memory_meter.h>

namespace chatgate::service {
namespace {

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

}  // namespace

std::uint32_t usable_cpus() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  const bool is_known = ::sched_getaffinity(0, sizeof mask, &mask) == 0;
  const double affine = is_known ? std::max(CPU_COUNT(&mask), 1) : 1;
  const double quota = cgroup_quota().value_or(affine);
  return static_cast<std::uint32_t>(std::max(1.0, std::ceil(std::min(affine, quota))));
}

base::Bytes memory_limit() { return MemoryMeter{}.limit(); }

std::uint64_t raise_descriptor_limit() {
  ::rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const ::rlimit raised{.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
  if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  return limit.rlim_cur;
}

}  // namespace chatgate::service
