#pragma once

#include <cstddef>
#include <cstdint>

#include <chatgate/admission/options.h>
#include <chatgate/service/gateway_config.h>
#include <chatgate/telemetry/log.h>

namespace chatgate::service {

/// Fewer connections than these are a mistake in the setting up of the machine.
inline constexpr std::uint32_t kConnectionsMin = 16;

/// The limits with `max_connections` lowered to what the process's descriptors allow
/// (RLIMIT_NOFILE less `reserve_fds`), which is logged.
/// Errors: throws std::runtime_error when that leaves fewer than kConnectionsMin.
admission::LimitOptions within_descriptors(const LimitsConfig& limits, telemetry::Log& log);

/// How many refused clients may linger until they have read why: 256, or less when the limit of
/// connections leaves no more descriptors than half of `reserve_fds`.
std::size_t lingering_refusals_max(const LimitsConfig& limits);

/// How many connections may wait for their PROXY header: 1024, or less when connections and
/// lingering refusals leave no more descriptors than a quarter of `reserve_fds`.
std::size_t waiting_headers_max(const LimitsConfig& limits);

}  // namespace chatgate::service
