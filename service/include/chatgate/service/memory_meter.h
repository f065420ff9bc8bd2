#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include <chatgate/base/units.h>

namespace chatgate::service {

/// How much memory there may be before the kernel ends the process, and how much of it is in use.
///
/// Both are of the same thing: of the cgroup that has the least limit, ours or one around it, where
/// each process and socket counts, and files count that somebody uses. Where no cgroup limits us
/// the limit is the machine's memory, and in use is what this process has resident.
///
/// Threads: one at a time. Cost: used() reads one file or two, find_limit() a dozen.
class MemoryMeter {
 public:
  /// `proc` and `cgroups` are where the kernel shows processes and cgroups.
  explicit MemoryMeter(std::filesystem::path proc = "/proc",
                       std::filesystem::path cgroups = "/sys/fs/cgroup");

  /// Looks for the least limit again: it may be changed while we run.
  void find_limit();

  base::Bytes limit() const noexcept { return limit_; }
  /// In use now. From `exact_from` on it is exact; what is less may count files that nobody uses,
  /// because the kernel tells of those at a price.
  base::Bytes used(base::Bytes exact_from) const;

 private:
  /// The names that one version of cgroups has.
  struct Names {
    const char* limit;
    const char* used;
    const char* inactive_files;  // In memory.stat.
  };

  void find_limit_in(const std::string& mount, std::string path, const Names& names);

  const std::filesystem::path proc_;
  const std::filesystem::path cgroups_;
  base::Bytes limit_;
  const Names* names_ = nullptr;  // Of the cgroup with the least limit; none = the machine.
  std::string used_file_;
  std::string stat_file_;
};

}  // namespace chatgate::service
