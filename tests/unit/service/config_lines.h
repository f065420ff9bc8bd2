#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <chatgate/service/load_config.h>

namespace chatgate::service {

/// The diagnostics of a configuration as an operator reads them.
inline std::vector<std::string> lines_of(const LoadedConfig& loaded) {
  std::vector<std::string> lines;
  for (const auto& diagnostic : loaded.diagnostics) lines.push_back(to_text(diagnostic));
  return lines;
}

inline std::vector<std::string> lines_of(std::string_view yaml,
                                         const config::Environment& environment = {}) {
  return lines_of(parse_config(yaml, "c.yaml", environment));
}

}  // namespace chatgate::service
