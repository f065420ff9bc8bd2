#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <chatgate/config/diagnostic.h>
#include <chatgate/config/reading.h>
#include <chatgate/service/gateway_config.h>

namespace chatgate::service {

/// What the names of overriding variables start with: `CHATGATE__LIMITS__MAX_CONNECTIONS`.
inline constexpr const char* kVariablePrefix = "CHATGATE__";

/// A configuration with all that is wrong with it. Use `config` only when is_valid().
struct LoadedConfig {
  GatewayConfig config;
  std::vector<config::Diagnostic> diagnostics;    // By position, the environment's last.
  std::map<std::string, config::Origin> origins;  // By path, of what is not a default.

  bool is_valid() const noexcept { return diagnostics.empty(); }
};

/// Reads the file at `path`, overridden by `environment`. A file that cannot be read is a
/// diagnostic with the system's reason.
LoadedConfig load_config(const std::string& path, const config::Environment& environment);

/// The same for text that is in memory; `name` stands for the file in diagnostics and origins.
LoadedConfig parse_config(std::string_view text, const std::string& name,
                          const config::Environment& environment);

/// Adds a diagnostic if a drain may not end within `stop_timeout`, after which the supervisor of
/// the process kills it (systemd's TimeoutStopSec=).
void check_stop_timeout(LoadedConfig& loaded, const std::string& file,
                        std::chrono::nanoseconds stop_timeout);

/// Adds a diagnostic if `grace`, a Pod's terminationGracePeriodSeconds, is not what the
/// configuration makes it: drain.deadline and 10 s. Less would cut a drain short, more would hide
/// for longer that one hangs; either way file and manifest were not changed together.
void check_termination_grace(LoadedConfig& loaded, const std::string& file,
                             std::chrono::nanoseconds grace);

/// What a reload would change, as paths such as `timeouts.idle` or `listeners.public.backlog`; an
/// entry that comes or goes is one path.
struct ConfigDiff {
  std::vector<std::string> changed;           // All of them.
  std::vector<std::string> requires_restart;  // Those that no reload applies.
};

ConfigDiff diff(const GatewayConfig& old, const GatewayConfig& now);

}  // namespace chatgate::service
