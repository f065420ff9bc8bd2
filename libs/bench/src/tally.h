#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>

#include <chatgate/bench/latency_histogram.h>
#include <chatgate/bench/result.h>

namespace chatgate::bench {

/// What one thread of clients has seen since the last reset.
///
/// Threads: one thread writes; the counters may be read by any meanwhile, the texts only while the
///   writer rests.
class Tally {
 public:
  void complete(std::chrono::nanoseconds latency) noexcept {
    latency_.record(latency);
    add(completed_, 1);
  }
  void greet() noexcept { add(greeted_, 1); }
  void refuse(std::string_view line);
  /// Counts `times` operations that failed for one reason; the first one's `text` is kept.
  void fail(Fault fault, std::uint64_t times, std::string text);
  /// Forgets the operations: what follows is measured. Faults and greetings stay.
  void start_measuring();

  std::uint64_t completed() const noexcept { return load(completed_); }
  std::uint64_t greeted() const noexcept { return load(greeted_); }
  std::uint64_t refused() const noexcept { return load(refused_); }
  std::uint64_t errors() const noexcept { return load(errors_); }
  const LatencyHistogram& latency() const noexcept { return latency_; }

  /// Adds what was counted to `result`.
  void add_to(Result& result) const;

 private:
  using Counter = std::atomic<std::uint64_t>;
  static std::uint64_t load(const Counter& counter) noexcept {
    return counter.load(std::memory_order_relaxed);
  }
  static void add(Counter& counter, std::uint64_t value) noexcept {
    counter.store(load(counter) + value, std::memory_order_relaxed);
  }

  LatencyHistogram latency_;
  Counter completed_{0};
  Counter greeted_{0};
  Counter refused_{0};
  Counter errors_{0};
  std::array<FaultCount, kFaults> faults_;
  std::string first_refusal_;
};

}  // namespace chatgate::bench
