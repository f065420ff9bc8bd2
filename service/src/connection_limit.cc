#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

#include <chatgate/service/connection_limit.h>
#include <chatgate/service/machine.h>

namespace chatgate::service {
namespace {

constexpr std::uint64_t kLingeringMax = 256;

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
  const std::uint64_t descriptors = raise_descriptor_limit();
  const std::uint64_t kept = limits.reserve_fds / 2;
  const std::uint64_t taken = limits.admission.max_connections + kept;
  const std::uint64_t left = descriptors > taken ? descriptors - taken : 0;
  return std::clamp(left, std::min(kept, kLingeringMax), kLingeringMax);
}

}  // namespace chatgate::service
