#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <vector>

#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

#include <chatgate/bench/server_watch.h>

namespace chatgate::bench {
namespace {

using std::chrono::nanoseconds;

std::string read_file(const std::string& path) {
  std::ifstream file{path};
  return {std::istreambuf_iterator<char>{file}, {}};
}

// Of all its threads, living and ended, in nanoseconds.
std::optional<nanoseconds> cpu_clock_of(::pid_t pid) {
  ::clockid_t clock{};
  ::timespec time{};
  if (::clock_getcpuclockid(pid, &clock) != 0) return std::nullopt;
  if (::clock_gettime(clock, &time) != 0) return std::nullopt;
  return std::chrono::seconds{time.tv_sec} + nanoseconds{time.tv_nsec};
}

// Each thread has its own children (proc(5), /proc/PID/task/TID/children).
void collect_tree(::pid_t pid, std::vector<::pid_t>& tree) {
  constexpr std::size_t kProcessesMax = 10'000;
  if (tree.size() >= kProcessesMax) return;
  tree.push_back(pid);
  std::error_code error;
  std::filesystem::directory_iterator threads{fmt::format("/proc/{}/task", pid), error};
  for (; !error && threads != std::filesystem::directory_iterator{}; threads.increment(error)) {
    std::istringstream children{read_file(threads->path() / "children")};
    for (::pid_t child = 0; children >> child;) collect_tree(child, tree);
  }
}

// Pss_Anon counts a page that n processes share as 1/n in each, so that a tree's sum is exact.
// Nothing when the process has no memory any more: it is ending, or waits to be waited for.
std::optional<std::uint64_t> anonymous_bytes_of(::pid_t pid) {
  const auto rollup = read_file(fmt::format("/proc/{}/smaps_rollup", pid));
  if (const auto bytes = parse_kib_field(rollup, "Pss_Anon")) return bytes;
  const auto status = read_file(fmt::format("/proc/{}/status", pid));
  return parse_kib_field(status, "RssAnon");
}

class ProcessWatch final : public ServerWatch {
 public:
  explicit ProcessWatch(::pid_t pid) : pid_{pid} {}

  ::pid_t pid() const override { return pid_; }
  std::string source() const override {
    return "CPU clock of the process, 10 ms ticks for ended children; Pss_Anon of smaps_rollup";
  }
  std::optional<Usage> sample() override;

 private:
  const ::pid_t pid_;
  const double tick_ = 1e9 / static_cast<double>(::sysconf(_SC_CLK_TCK));  // Nanoseconds.
};

std::optional<Usage> ProcessWatch::sample() {
  std::vector<::pid_t> tree;
  collect_tree(pid_, tree);
  Usage usage;
  std::uint64_t user = 0;
  std::uint64_t system = 0;
  for (const auto pid : tree) {
    const auto ticks = parse_stat(read_file(fmt::format("/proc/{}/stat", pid)));
    const auto cpu = cpu_clock_of(pid);
    const auto memory = anonymous_bytes_of(pid);
    if (pid == pid_ && !memory) return std::nullopt;
    if (!ticks || !cpu) {
      if (pid == pid_) return std::nullopt;
      continue;  // It ended meanwhile; its parent has its time or will.
    }
    const auto waited = static_cast<double>(ticks->children_user + ticks->children_system) * tick_;
    usage.cpu += *cpu + nanoseconds{static_cast<std::int64_t>(waited)};
    user += ticks->user + ticks->children_user;
    system += ticks->system + ticks->children_system;
    usage.anonymous_bytes += memory.value_or(0);
  }
  const auto duration = [this](std::uint64_t ticks) {
    return nanoseconds{static_cast<std::int64_t>(static_cast<double>(ticks) * tick_)};
  };
  usage.user = duration(user);
  usage.system = duration(system);
  return usage;
}

}  // namespace

std::unique_ptr<ServerWatch> watch_process(::pid_t pid) {
  return std::make_unique<ProcessWatch>(pid);
}

std::optional<ProcessTicks> parse_stat(std::string_view text) {
  // The program's name, in brackets, may hold spaces and brackets.
  const auto name_end = text.rfind(')');
  if (name_end == std::string_view::npos) return std::nullopt;
  std::istringstream words{std::string{text.substr(name_end + 1)}};
  std::string ignored;
  for (int field = 3; field < 14; ++field) words >> ignored;
  ProcessTicks ticks;
  words >> ticks.user >> ticks.system >> ticks.children_user >> ticks.children_system;
  if (!words) return std::nullopt;
  return ticks;
}

std::optional<std::uint64_t> parse_kib_field(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (!line.starts_with(name) || line.substr(name.size(), 1) != ":") continue;
    line.remove_prefix(name.size() + 1);
    const auto digits = line.find_first_of("0123456789");
    if (digits == std::string_view::npos) return std::nullopt;
    std::uint64_t kib = 0;
    const auto [end, error] = std::from_chars(line.data() + digits, line.data() + line.size(), kib);
    if (error != std::errc{} || !line.ends_with(" kB")) return std::nullopt;
    return kib * 1024;
  }
  return std::nullopt;
}

}  // namespace chatgate::bench
