#include "config_checks.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <optional>
#include <system_error>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include <chatgate/base/units.h>
#include <chatgate/config/effective.h>
#include <chatgate/service/load_config.h>
#include <chatgate/service/schema.h>

namespace chatgate::service {
namespace {

// From the end of a drain to the end of the process, on a machine that has other things to do.
constexpr std::chrono::seconds kExitTime{5};
// What a Pod gets beyond its drain: the kubelet's clock starts before our SIGTERM arrives.
constexpr std::chrono::seconds kGraceBeyondDrain{10};

std::string system_reason() { return std::generic_category().message(errno); }

// Reads one byte more than may be, so that the reader finds a file too large; /dev/zero ends too.
base::Expected<std::string, std::string> contents(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{std::fopen(path.c_str(), "re"),
                                                             std::fclose};
  if (!file) return base::Unexpected{system_reason()};
  std::string text(config::kFileBytesMax + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()) != 0) return base::Unexpected{system_reason()};
  return text;
}

void sort_by_position(std::vector<config::Diagnostic>& diagnostics) {
  const auto rank = [](const config::Diagnostic& diagnostic) {
    return std::tuple{diagnostic.file == "environment", diagnostic.line, diagnostic.column};
  };
  std::stable_sort(diagnostics.begin(), diagnostics.end(),
                   [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
}

// Adds a diagnostic where drain.deadline was written, or nowhere if it is the default.
void blame_deadline(LoadedConfig& loaded, const std::string& file, const std::string& message) {
  const auto found = loaded.origins.find("drain.deadline");
  const auto origin = found == loaded.origins.end() ? config::Origin{} : found->second;
  if (origin.kind == config::Origin::Kind::Environment) {
    loaded.diagnostics.push_back({"environment", 0, 0, origin.source, message});
  } else {
    const auto [line, column] = origin.position;
    loaded.diagnostics.push_back({file, line, column, "drain.deadline", message});
  }
}

}  // namespace

LoadedConfig parse_config(std::string_view text, const std::string& name,
                          const config::Environment& environment) {
  LoadedConfig loaded;
  config::Reading reading;
  const auto& root = schema().root();
  // Without a document there is nothing that the rest could be right or wrong about.
  if (config::read_yaml(text, name, root, &loaded.config, reading)) {
    config::read_environment(environment, kVariablePrefix, root, &loaded.config, reading);
    check_across(loaded.config, name, reading);
  }
  loaded.diagnostics = std::move(reading.diagnostics);
  loaded.origins = std::move(reading.origins);
  sort_by_position(loaded.diagnostics);
  return loaded;
}

LoadedConfig load_config(const std::string& path, const config::Environment& environment) {
  const auto text = contents(path);
  if (text) return parse_config(*text, path, environment);
  LoadedConfig loaded;
  loaded.diagnostics.push_back({path, 0, 0, "", "cannot be read: " + text.error()});
  return loaded;
}

void check_stop_timeout(LoadedConfig& loaded, const std::string& file,
                        std::chrono::nanoseconds stop_timeout) {
  const auto deadline = loaded.config.drain.deadline;
  if (!loaded.is_valid() || deadline + kExitTime <= stop_timeout) return;
  blame_deadline(
      loaded, file,
      fmt::format("{} and {} for the exit exceed the stop timeout ({})", base::to_text(deadline),
                  base::to_text(kExitTime), base::to_text(stop_timeout)));
}

void check_termination_grace(LoadedConfig& loaded, const std::string& file,
                             std::chrono::nanoseconds grace) {
  const auto deadline = loaded.config.drain.deadline;
  const auto needed = deadline + kGraceBeyondDrain;
  if (!loaded.is_valid() || grace == needed) return;
  using std::chrono::ceil, std::chrono::seconds;
  blame_deadline(
      loaded, file,
      fmt::format("{} and {} for the exit make a termination grace of {}, not {}: "
                  "terminationGracePeriodSeconds must be {}",
                  base::to_text(deadline), base::to_text(kGraceBeyondDrain), base::to_text(needed),
                  base::to_text(grace), ceil<seconds>(needed).count()));
}

ConfigDiff diff(const GatewayConfig& old, const GatewayConfig& now) {
  auto before = old;
  auto after = now;
  ConfigDiff diff;
  for (auto& [path, apply] : config::changes(schema().root(), &before, &after)) {
    if (apply == config::Apply::Restart) diff.requires_restart.push_back(path);
    diff.changed.push_back(std::move(path));
  }
  return diff;
}

}  // namespace chatgate::service
