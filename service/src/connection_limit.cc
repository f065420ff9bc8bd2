#include <stdexcept>

#include <fmt/format.h>

#include <chatgate/service/connection_limit.h>
#include <chatgate/service/machine.h>

namespace chatgate::service {

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

}  // namespace chatgate::service
