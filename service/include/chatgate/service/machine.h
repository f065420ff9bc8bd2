#pragma once

#include <cstdint>

#include <chatgate/base/units.h>

namespace chatgate::service {

/// The CPUs that this process may use: the affinity mask (sched_getaffinity(2)) and the CPU quota
/// of its cgroup, rounded up (cgroup v2 cpu.max, v1 cpu.cfs_quota_us). At least 1.
std::uint32_t usable_cpus();

/// The memory that this process may have before the kernel ends it: the machine's, or the least
/// limit of its cgroup and of those around it (cgroup v2 memory.max, v1 memory.limit_in_bytes).
base::Bytes memory_limit();

/// Raises the soft limit of open descriptors to the hard one (getrlimit(2)) and returns it.
std::uint64_t raise_descriptor_limit();

}  // namespace chatgate::service
