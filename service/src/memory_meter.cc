#include "cgroup.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include <chatgate/net/unique_fd.h>
#include <chatgate/service/memory_meter.h>

namespace chatgate::service {
namespace {

std::uint64_t page_size() { return static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)); }

// Number `index` of a file of a few numbers; 0 if there is none. Streams would cost ten times as
// much, and this is read as long as we run.
std::uint64_t number_in(const std::string& file, int index) {
  std::array<char, 128> text{};
  const net::UniqueFd descriptor{::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
  const auto size = ::read(descriptor.get(), text.data(), text.size());
  const char* at = text.data();
  const char* const end = at + std::max<::ssize_t>(size, 0);
  std::uint64_t number = 0;
  for (int i = 0; i <= index; ++i) {
    number = 0;
    at = std::from_chars(at, end, number).ptr;
    if (at < end) ++at;  // The space behind it.
  }
  return number;
}

// The number behind `key` in a file of lines `key number`; 0 if there is none.
std::uint64_t number_of(const std::filesystem::path& file, std::string_view key) {
  std::ifstream lines{file};
  std::string name;
  for (std::uint64_t number = 0; lines >> name >> number;) {
    if (name == key) return number;
  }
  return 0;
}

}  // namespace

MemoryMeter::MemoryMeter(std::filesystem::path proc, std::filesystem::path cgroups)
    : proc_{std::move(proc)}, cgroups_{std::move(cgroups)} {
  find_limit();
}

void MemoryMeter::find_limit() {
  static constexpr Names kUnified{"memory.max", "memory.current", "inactive_file"};
  static constexpr Names kV1{"memory.limit_in_bytes", "memory.usage_in_bytes",
                             "total_inactive_file"};
  limit_.count = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) * page_size();
  names_ = nullptr;
  used_file_ = proc_ / "self/statm";
  const auto own = own_cgroup(proc_);
  find_limit_in(cgroups_, own.unified, kUnified);
  find_limit_in(cgroups_ / "memory", own.memory, kV1);
}

// In `path` below `mount` and in each folder around it; a container sees its own cgroup at the root
// of the mount. `max`, or no such file, is no limit.
void MemoryMeter::find_limit_in(const std::string& mount, std::string path, const Names& names) {
  while (true) {
    const std::filesystem::path folder{mount + path};
    std::uint64_t limit = 0;
    if (std::ifstream{folder / names.limit} >> limit && limit > 0 && limit < limit_.count) {
      limit_.count = limit;
      names_ = &names;
      used_file_ = folder / names.used;
      stat_file_ = folder / "memory.stat";
    }
    if (path.empty()) return;
    path.resize(path.rfind('/') == std::string::npos ? 0 : path.rfind('/'));
  }
}

base::Bytes MemoryMeter::used(base::Bytes exact_from) const {
  if (names_ == nullptr) return {number_in(used_file_, 1) * page_size()};
  const auto used = number_in(used_file_, 0);
  if (used < exact_from.count) return {used};
  return {used - std::min(used, number_of(stat_file_, names_->inactive_files))};
}

}  // namespace chatgate::service
