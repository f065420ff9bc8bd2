#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include <chatgate/telemetry/counter.h>

namespace chatgate::service {

/// How many connections may wait for something at one time, over all acceptors: each holds a
/// descriptor.
///
/// Threads: any.
class PlaceBudget {
 public:
  explicit PlaceBudget(std::size_t max) noexcept : max_{max} {}

  /// Takes a place. Returns false, and counts it, when all are taken.
  bool take() noexcept {
    if (used_.fetch_add(1, std::memory_order_relaxed) < max_) return true;
    give_back();
    overflows_.add();
    return false;
  }
  /// Takes a place even if none is left.
  void force_take() noexcept { used_.fetch_add(1, std::memory_order_relaxed); }
  void give_back() noexcept { used_.fetch_sub(1, std::memory_order_relaxed); }

  std::size_t used() const noexcept { return used_.load(std::memory_order_relaxed); }
  std::size_t max() const noexcept { return max_; }
  /// How often all places were taken.
  std::uint64_t overflows() const noexcept { return overflows_.value(); }

 private:
  const std::size_t max_;
  std::atomic<std::size_t> used_{0};
  telemetry::SharedCounter overflows_;
};

}  // namespace chatgate::service
