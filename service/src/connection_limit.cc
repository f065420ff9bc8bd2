#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

#include <chatgate/service/connection_limit.h>
#include <chatgate/service/machine.h>

namespace chatgate::service {
namespace {

constexpr std::uint64_t kLingeringMax = 256;
constexpr std::uint64_t kHeadersMax = 1024;

// As many as `max` of the descriptors that are left when `taken` are gone, but never fewer than
// `kept` of them, which `reserve_fds` has for it.
std::size_t share(std::uint64_t taken, std::uint64_t kept, std::uint64_t max) {
  const std::uint64_t descriptors = raise_descriptor_limit();
  const std::uint64_t left = descriptors > taken + kept ? descriptors - taken - kept : 0;
  return std::clamp(left, std::min(kept, max), max);
}

}  // namespace

admission::LimitOptions within_descriptors(const LimitsConfig& limits, telemetry::Log& log) {
  auto options = limits.admission;
  const auto descriptors = raise_descriptor_limit();
  const auto usable = descriptors > limits.reserve_fds ? descriptors - limits.reserve_fds : 0;
  if (usable < kConnectionsMin) {
    throw std::runtime_error{fmt::format(
        "the limit of open descriptors is {}, of which limits.reserve_fds keeps {}: that leaves {} "
        "connections, and at least {} are needed; raise LimitNOFILE (ulimit -n)",
        descriptors, limits.reserve_fds, usable, kConnectionsMin)};
  }
  if (options.max_connections <= usable) return options;
  log.warn("connection_limit_lowered", {{"configured", options.max_connections},
                                        {"effective", usable},
                                        {"descriptors", descriptors},
                                        {"advice", "raise LimitNOFILE (ulimit -n)"}});
  options.max_connections = static_cast<std::uint32_t>(usable);
  return options;
}

std::size_t lingering_refusals_max(const LimitsConfig& limits) {
  return share(limits.admission.max_connections, limits.reserve_fds / 2, kLingeringMax);
}

std::size_t waiting_headers_max(const LimitsConfig& limits) {
  return share(limits.admission.max_connections + kLingeringMax, limits.reserve_fds / 4,
               kHeadersMax);
}

}  // namespace chatgate::service
