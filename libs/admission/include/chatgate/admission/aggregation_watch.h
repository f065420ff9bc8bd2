#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include <chatgate/base/mutex.h>
#include <chatgate/net/address.h>

namespace chatgate::admission {

/// Notices when nearly all connections come from one or two private addresses: then those are most
/// likely a load balancer's, and bounds on a source bound everybody.
///
/// It looks at windows of kWindow connections, with the addresses that came most often in each
/// (Metwally, Agrawal, El Abbadi: Efficient Computation of Frequent and Top-k Elements, 2005).
///
/// Threads: any. Cost: a short lock a connection; 300 bytes.
class AggregationWatch {
 public:
  static constexpr std::uint32_t kWindow = 256;
  static constexpr std::uint32_t kSuspectedFrom = 231;  // 90 % of it, from two private addresses.

  /// Counts a connection.
  void note(const net::IpAddress& source) noexcept;

  /// Whether the last whole window looked like a load balancer.
  bool is_suspected() const noexcept { return is_suspected_.load(std::memory_order_relaxed); }

 private:
  struct Count {
    net::IpAddress source;
    std::uint32_t times = 0;
  };

  bool looks_aggregated() const noexcept CHATGATE_REQUIRES(mutex_);

  std::atomic<bool> is_suspected_{false};
  base::Mutex mutex_;
  std::array<Count, 8> counts_ CHATGATE_GUARDED_BY(mutex_);
  std::uint32_t noted_ CHATGATE_GUARDED_BY(mutex_) = 0;  // In this window.
};

}  // namespace chatgate::admission
