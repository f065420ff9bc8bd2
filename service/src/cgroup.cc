#include "cgroup.h"

#include <fstream>

namespace chatgate::service {

// /proc/self/cgroup holds lines `0::/path` (v2) and `4:cpu,cpuacct:/path` (v1).
CgroupPath own_cgroup(const std::string& proc) {
  CgroupPath path;
  std::ifstream lines{proc + "/self/cgroup"};
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

}  // namespace chatgate::service
