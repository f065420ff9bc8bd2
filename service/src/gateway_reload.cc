#include "removal.h"

#include <algorithm>
#include <exception>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chatgate/service/connection_limit.h>
#include <chatgate/service/gateway.h>
#include <chatgate/service/load_config.h>
#include <chatgate/service/memory_budget.h>
#include <chatgate/service/service_manager.h>

// Reload: parse, validate, diff, apply all or nothing. Until the last step that can fail nothing
// has changed, so a mistake leaves the old configuration serving.

namespace chatgate::service {
namespace {

using admin::ReloadResult;

ReloadResult rejected(std::vector<std::string> errors) {
  return {ReloadResult::Outcome::Rejected, {}, std::move(errors)};
}

}  // namespace

ReloadResult Gateway::request_reload() {
  return control_.run([this] { return reload_and_record(); });
}

ReloadResult Gateway::reload_and_record() {
  // While we leave, there is nothing that a manager could wait for.
  if (drain_phase_ == 0) notify_service_manager(reloading_state());
  if (const auto error = log_.reopen()) log_.error("log_reopen_failed", {{"error", *error}});
  auto result = reload_now();
  record(result);
  return result;
}

ReloadResult Gateway::reload_now() {
  if (config_file_.empty()) return rejected({"there is no configuration file to read again"});
  if (drain_phase_ != 0) return rejected({"the gateway is draining"});
  auto loaded = load_config(config_file_, environment_);
  if (!loaded.is_valid()) {
    std::vector<std::string> errors;
    for (const auto& diagnostic : loaded.diagnostics) errors.push_back(to_text(diagnostic));
    return rejected(std::move(errors));
  }
  auto changes = diff(present_config(), loaded.config);
  if (!changes.requires_restart.empty()) {
    return {ReloadResult::Outcome::RequiresRestart, std::move(changes.requires_restart), {}};
  }
  return apply(std::move(loaded), std::move(changes.changed));
}

ReloadResult Gateway::apply(LoadedConfig loaded, std::vector<std::string> changed) {
  auto& config = loaded.config;
  try {
    // What can fail comes first.
    const auto limits = within_descriptors(config.limits, log_);
    auto sockets = listeners_.open_sockets(config);
    const auto tls = Listeners::load_tls(config);
    if (const auto error = log_.apply(config.log)) return rejected({*error});
    if (const auto error = reload_access(config)) {
      // The old log was good a moment ago.
      [[maybe_unused]] const auto ignored = log_.apply(present_config().log);
      return rejected({*error});
    }
    tell_lowered_budget(config.output.budget, log_);
    admission_.apply(limits);
    overload_.apply(config.overload, config.limits);
    over_limit_ = config.limits.over_limit;
    header_timeout_ = config.proxy_header_timeout;
    exit_after_ = config.limits.exit_after;
    const auto known = listeners_.ids();
    auto removed = listeners_.apply(config, std::move(sockets), tls);
    publish_listeners();
    log_listening(known);
    drain_removed(std::move(removed), config.drain);
    watch_config(config.watch);
  } catch (const std::exception& failure) {
    return rejected({failure.what()});
  }
  for (const auto& acceptor : acceptors_) acceptor->wake_waiting();
  const base::MutexLock lock{mutex_};
  config_ = std::move(config);
  origins_ = std::move(loaded.origins);
  const auto outcome =
      changed.empty() ? ReloadResult::Outcome::Unchanged : ReloadResult::Outcome::Applied;
  return {outcome, std::move(changed), {}};
}

std::optional<std::string> Gateway::reload_access(const GatewayConfig& config) {
  if (!admin_) return std::nullopt;
  const auto warning = admin_->reload_access(config.admin);
  if (!warning) return warning.error();
  if (!warning->empty()) log_.warn("admin_token_unsafe", {{"warning", *warning}});
  return std::nullopt;
}

// A file that cannot be watched can still be reloaded by SIGHUP: no reason to refuse to serve.
void Gateway::watch_config(bool is_wanted) {
  if (!is_wanted || config_file_.empty()) return watch_.reset();
  if (watch_) return;
  try {
    watch_ = std::make_unique<ConfigWatch>(control_, config_file_, [this] { reload_and_record(); });
  } catch (const std::system_error& failure) {
    log_.error("config_watch_failed", {{"error", failure.what()}});
  }
}

void Gateway::record(const ReloadResult& result) {
  reloads_[static_cast<std::size_t>(result.outcome)].add();
  const bool is_good = result.outcome == ReloadResult::Outcome::Applied ||
                       result.outcome == ReloadResult::Outcome::Unchanged;
  {
    const base::MutexLock lock{mutex_};
    const auto now = std::chrono::system_clock::now();
    last_reload_ = {now, result};
    reload_successful_ = is_good;
    if (is_good) reload_succeeded_at_ = now;
  }
  const auto keys = fmt::format("{}", fmt::join(result.keys, ","));
  if (is_good) {
    log_.info("config_reloaded", {{"result", to_token(result.outcome)}, {"keys", keys}});
    reload_failure_.clear();
    tell_manager("READY=1");
    return;
  }
  log_.error("config_reload_failed", {{"result", to_token(result.outcome)}, {"keys", keys}});
  for (const auto& error : result.errors) log_.error("config_error", {{"error", error}});
  reload_failure_ = result.errors.empty() ? keys + " requires a restart" : result.errors.front();
  tell_manager(drain_phase_ == 0 ? "READY=1" : "");
}

// Sessions of a removed listener are sent away as in a drain; the others notice nothing.
void Gateway::drain_removed(std::vector<base::ListenerId> ids, const DrainOptions& options) {
  if (ids.empty()) return;
  auto removal = std::make_unique<Removal>();
  removal->ids = ids;
  for (const auto id : ids) removal->slots.push_back(listeners_.slot_of_leaving(id));
  removal->farewell = std::make_unique<Farewell>(
      control_, workers_, std::move(ids), options, base::Clock::now() + options.deadline,
      [](auto) {}, [] {});
  removals_.push_back(std::move(removal));
  ++removals_open_;
  check_drained();
}

}  // namespace chatgate::service
