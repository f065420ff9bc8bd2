#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace chatgate::bench {

/// What a server has used up to one moment.
struct Usage {
  std::chrono::nanoseconds cpu{};                  // User and system, since it started.
  std::optional<std::chrono::nanoseconds> user{};  // Nothing where the source does not tell.
  std::optional<std::chrono::nanoseconds> system{};
  std::uint64_t anonymous_bytes =
      0;  // Memory of its own now: heap, stacks, what it has written to.
};

/// What the server used for the run.
struct ServerCost {
  ::pid_t pid = 0;                 // 0 when it was asked over HTTP.
  std::string source;              // Where the figures come from, for a person.
  std::chrono::nanoseconds cpu{};  // Of the measured part.
  std::optional<std::chrono::nanoseconds> user{};
  std::optional<std::chrono::nanoseconds> system{};
  std::optional<std::chrono::nanoseconds> hold_cpu{};  // Idle mode: while all were held.
  std::uint64_t anonymous_before = 0;                  // Bytes before the first connection,
  std::uint64_t anonymous_during = 0;                  // while all are open,
  std::uint64_t anonymous_after = 0;                   // and after they are closed.
};

/// Tells what a server has used so far.
///
/// Threads: any, one at a time.
class ServerWatch {
 public:
  virtual ~ServerWatch() = default;

  virtual ::pid_t pid() const = 0;
  virtual std::string source() const = 0;

  /// Nothing when the server is gone or does not answer.
  virtual std::optional<Usage> sample() = 0;
};

/// Reads /proc: CPU of the process, of its children that it has waited for, and of its living
/// descendants, so that a server that forks is charged with all of it; memory of the process and
/// its living descendants, a page that several share counted once.
///
/// CPU of what lives comes from the process's CPU clock (clock_getcpuclockid(3), nanoseconds), of
/// waited children from /proc/PID/stat (ticks of 10 ms), as is the share of user and system.
/// Lost is what children used whose server ignores SIGCHLD.
std::unique_ptr<ServerWatch> watch_process(::pid_t pid);

/// Reads the gateway's metrics over HTTP: process_cpu_seconds_total (ticks of 10 ms), and as memory
/// process_resident_memory_bytes, which includes the program's own pages.
///
/// Errors: throws std::runtime_error when `address` is not HOST:PORT.
std::unique_ptr<ServerWatch> watch_admin(const std::string& address);

/// The ticks of /proc/PID/stat (proc(5)): of the process, and of children that it has waited for.
struct ProcessTicks {
  std::uint64_t user = 0;             // 14
  std::uint64_t system = 0;           // 15
  std::uint64_t children_user = 0;    // 16
  std::uint64_t children_system = 0;  // 17
};
std::optional<ProcessTicks> parse_stat(std::string_view text);

/// The bytes that a line `NAME:   123 kB` of /proc/PID/status or smaps_rollup tells.
std::optional<std::uint64_t> parse_kib_field(std::string_view text, std::string_view name);

/// The value of the metric `name`, which has no labels, in the text format of Prometheus.
std::optional<double> parse_metric(std::string_view text, std::string_view name);

}  // namespace chatgate::bench
