#include <algorithm>
#include <utility>
#include <vector>

#include <chatgate/admission/access_list.h>
#include <chatgate/admission/aggregation_watch.h>

namespace chatgate::admission {
namespace {

// Where load balancers live: RFC 1918, 6598 (shared), 3927 and 4291 (link-local), 4193, loopback.
bool is_private(const net::IpAddress& address) {
  static const AccessList blocks = [] {
    std::vector<net::Cidr> all;
    for (const auto* text : {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10",
                             "169.254.0.0/16", "127.0.0.0/8", "fc00::/7", "fe80::/10", "::1"}) {
      all.push_back(net::Cidr::parse(text).value());
    }
    return AccessList{all};
  }();
  return blocks.contains(address);
}

}  // namespace

void AggregationWatch::note(const net::IpAddress& source) noexcept {
  base::MutexLock lock{mutex_};
  auto found = std::find_if(counts_.begin(), counts_.end(),
                            [&](const auto& count) { return count.source == source; });
  if (found == counts_.end()) {
    // Takes the place of the rarest, with its number: who comes often cannot be missed.
    found = std::min_element(counts_.begin(), counts_.end(),
                             [](const auto& a, const auto& b) { return a.times < b.times; });
    found->source = source;
  }
  ++found->times;
  if (++noted_ < kWindow) return;
  is_suspected_.store(looks_aggregated(), std::memory_order_relaxed);
  counts_ = {};
  noted_ = 0;
}

bool AggregationWatch::looks_aggregated() const noexcept {
  std::uint32_t first = 0;
  std::uint32_t second = 0;
  for (const auto& [source, times] : counts_) {
    if (!is_private(source)) continue;
    if (times > first) {
      second = std::exchange(first, times);
    } else {
      second = std::max(second, times);
    }
  }
  return first + second >= kSuspectedFrom;
}

}  // namespace chatgate::admission
