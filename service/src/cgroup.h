#pragma once

#include <string>

namespace chatgate::service {

/// Where this process stands in the trees of cgroups(7); a path is empty for the root of its tree.
struct CgroupPath {
  std::string unified;  // cgroup v2
  std::string cpu;      // cgroup v1, the cpu controller
  std::string memory;   // cgroup v1, the memory controller
};

/// `proc` is where the kernel shows processes.
CgroupPath own_cgroup(const std::string& proc = "/proc");

}  // namespace chatgate::service
