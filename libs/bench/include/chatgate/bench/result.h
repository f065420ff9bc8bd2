#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <chatgate/bench/latency_histogram.h>
#include <chatgate/bench/options.h>
#include <chatgate/bench/server_watch.h>

namespace chatgate::bench {

/// Why an operation failed.
enum class Fault : std::uint8_t {
  NotConnected,  // Refused by the kernel, no route, no descriptor or port left.
  Lost,          // The server ended a connection that was still needed.
  Surplus,       // A line came that no message had asked for.
  TimedOut,      // Nothing came in time.
};
inline constexpr std::size_t kFaults = 4;

struct FaultCount {
  std::uint64_t count = 0;
  std::string first;  // What happened the first time, for a person; may quote the server.
};

/// What a run has measured. Counts and times are of the measured part, faults of the whole run.
struct Result {
  EngineKind engine = EngineKind::Auto;
  bool interrupted = false;
  std::chrono::nanoseconds elapsed{};
  std::uint64_t operations = 0;
  std::uint64_t greeted = 0;  // Connections that the server has greeted.
  std::uint64_t refused = 0;  // Those it greeted with 421.
  std::string first_refusal;
  std::uint64_t errors = 0;  // Of all faults: operations that failed, and connections that did.
  std::array<FaultCount, kFaults> faults;
  LatencyHistogram latency;
  std::chrono::nanoseconds client_cpu{};  // Of this process, user and system.

  /// Nothing if no source was given, or the server was gone at the end.
  std::optional<ServerCost> server;
};

const char* to_text(Fault fault);

}  // namespace chatgate::bench
