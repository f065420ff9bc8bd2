#pragma once

#include <cstdint>

namespace chatgate::service {

/// The CPUs that this process may use: the affinity mask (sched_getaffinity(2)) and the CPU quota
/// of its cgroup, rounded up (cgroup v2 cpu.max, v1 cpu.cfs_quota_us). At least 1.
std::uint32_t usable_cpus();

/// Raises the soft limit of open descriptors to the hard one (getrlimit(2)) and returns it.
std::uint64_t raise_descriptor_limit();

}  // namespace chatgate::service
