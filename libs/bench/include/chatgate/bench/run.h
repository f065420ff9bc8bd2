#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include <chatgate/base/expected.h>
#include <chatgate/bench/options.h>
#include <chatgate/bench/result.h>

namespace chatgate::bench {

/// Where a run is, for somebody who watches.
struct Progress {
  const char* part = "";               // "opening", "warm-up", "measuring", "holding", "settling"
  std::chrono::nanoseconds elapsed{};  // Of this part.
  std::uint64_t operations = 0;        // Completed, of this part.
  std::uint64_t greeted = 0;
  std::uint64_t errors = 0;        // So far, refusals included.
  std::chrono::nanoseconds p99{};  // So far.
};

/// Runs the load against the server, and measures.
///
/// The parts, one after the other: open what stays open; `warmup` operations; the measured ones
/// (idle mode measures the opening, then holds); close. The client's threads wait for each other
/// between parts.
///
/// Threads: any; blocks the caller. `watch` is called there some times a second.
/// `stop`: may become true at any time from anywhere, and then the run ends early with what it has.
/// Errors: what the server does wrong is in the result. The error is why nothing was measured, in
///   words for a person: an address that does not resolve, too few descriptors, no such process.
/// Side effects: raises the process's soft limit of descriptors to the hard one.
/// Requires: find_mistake(options) finds none.
base::Expected<Result, std::string> run(const Options& options, const std::atomic<bool>& stop,
                                        const std::function<void(const Progress&)>& watch);

}  // namespace chatgate::bench
