#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <utility>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chatgate/telemetry/process_metrics.h>

namespace chatgate::telemetry {
namespace {

// The fields of /proc/self/stat that we tell, in its own units; proc(5) numbers them.
struct ProcessStat {
  double user_ticks = 0;      // 14
  double system_ticks = 0;    // 15
  double threads = 0;         // 20
  double start_ticks = 0;     // 22, since boot
  double virtual_bytes = 0;   // 23
  double resident_pages = 0;  // 24
};

std::optional<ProcessStat> read_stat() {
  std::ifstream file{"/proc/self/stat"};
  std::string text{std::istreambuf_iterator<char>{file}, {}};
  // The program's name, in brackets, may hold spaces and brackets.
  const auto name_end = text.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream words{text.substr(name_end + 1)};
  words.imbue(std::locale::classic());
  std::array<std::string, 22> fields;  // 3 to 24
  for (auto& field : fields) words >> field;
  if (!words) return std::nullopt;
  const auto number = [&fields](std::size_t field) {
    const auto& word = fields[field - 3];
    double value = 0;
    std::from_chars(word.data(), word.data() + word.size(), value);
    return value;
  };
  return ProcessStat{number(14), number(15), number(20), number(22), number(23), number(24)};
}

double read_boot_seconds() {
  std::ifstream file{"/proc/stat"};
  for (std::string key; file >> key;) {
    double seconds = 0;
    if (key == "btime" && file >> seconds) return seconds;
    std::getline(file, key);
  }
  return 0;
}

// Since Linux 6.2 the size of the directory is the number (proc(5)); before, it is 0 and each entry
// has to be read, which takes a microsecond.
std::optional<double> count_open_descriptors() {
  struct stat status {};
  if (::stat("/proc/self/fd", &status) == 0 && status.st_size > 0) {
    return static_cast<double>(status.st_size);
  }
  std::error_code error;
  std::filesystem::directory_iterator entries{"/proc/self/fd", error};
  if (error) return std::nullopt;
  double count = -1;  // The directory itself is open while it is read.
  for (; entries != std::filesystem::directory_iterator{}; entries.increment(error)) ++count;
  return count;
}

void write_stat(MetricWriter& writer, const ProcessStat& stat, double boot_seconds) {
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  const auto page = static_cast<double>(::sysconf(_SC_PAGESIZE));
  writer.counter("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.",
                 {}, (stat.user_ticks + stat.system_ticks) / ticks);
  writer.gauge("process_resident_memory_bytes", "Resident memory size in bytes.", {},
               stat.resident_pages * page);
  writer.gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.", {},
               stat.virtual_bytes);
  writer.gauge("process_start_time_seconds",
               "Start time of the process since the Unix epoch in seconds.", {},
               boot_seconds + stat.start_ticks / ticks);
  writer.gauge("process_threads", "Number of threads of the process.", {}, stat.threads);
}

}  // namespace

ProcessMetrics::ProcessMetrics(BuildInfo build)
    : build_{std::move(build)}, boot_seconds_{read_boot_seconds()} {}

void ProcessMetrics::write_metrics(MetricWriter& writer) const {
  if (const auto stat = read_stat()) write_stat(writer, *stat, boot_seconds_);
  if (const auto open = count_open_descriptors()) {
    writer.gauge("process_open_fds", "Number of open file descriptors.", {}, *open);
  }
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    writer.gauge("process_max_fds", "Maximum number of open file descriptors.", {},
                 static_cast<double>(limit.rlim_cur));
  }
  writer.gauge(
      "chatgate_build_info", "What was built; always 1.",
      {{"version", build_.version}, {"revision", build_.revision}, {"compiler", build_.compiler}},
      1);
}

}  // namespace chatgate::telemetry
