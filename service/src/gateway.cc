#include "removal.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>
#include <malloc.h>

#include <chatgate/service/connection_limit.h>
#include <chatgate/service/gateway.h>
#include <chatgate/service/machine.h>
#include <chatgate/service/memory_budget.h>
#include <chatgate/service/service_manager.h>
#include <chatgate/version.h>

namespace chatgate::service {
namespace {

constexpr std::uint32_t kHousekeepingTicks = 50;  // Every five seconds.
constexpr std::uint64_t kTrimAfterEnds = 1'000;

std::uint32_t worker_count(const ThreadOptions& threads) {
  return threads.workers != 0 ? threads.workers : usable_cpus();
}

}  // namespace

Gateway::Gateway(GatewayConfig config, GatewayOrigin origin, telemetry::Log& log)
    : log_{log},
      config_file_{std::move(origin.config_file)},
      environment_{std::move(origin.environment)},
      watchdog_period_{origin.watchdog},
      exit_after_{config.limits.exit_after},
      over_limit_{config.limits.over_limit},
      header_timeout_{config.proxy_header_timeout},
      dismissals_{lingering_refusals_max(config.limits)},
      headers_{waiting_headers_max(config.limits)},
      config_{std::move(config)},
      origins_{std::move(origin.origins)},
      admission_{within_descriptors(config_.limits, log), base::Clock::now()},
      session_metrics_{worker_count(config_.threads)},
      process_metrics_{{.version = std::string{kVersion}, .revision = std::string{revision()}}},
      overload_{log, admission_, workers_},
      listeners_{admission_, session_metrics_, workers_, acceptors_, std::move(origin.inherited)},
      control_{"control", [this](auto) { keep_house(); }} {
  try {
    start();
  } catch (...) {
    shut_down();
    throw;
  }
}

Gateway::~Gateway() { shut_down(); }

void Gateway::start() {
  start_threads();
  const auto config = present_config();
  tell_lowered_budget(config.output.budget, log_);
  if (!config.admin.address.empty()) {
    admin::Backend& self = *this;
    try {
      admin_ = std::make_unique<admin::Server>(config.admin, self);
    } catch (const admin::UnusableFile& error) {
      throw UnusableSetting{error.what()};
    }
    log_.info("admin_listening", {{"address", admin_address()}});
    if (const auto& warning = admin_->token_warning(); !warning.empty()) {
      log_.warn("admin_token_unsafe", {{"warning", warning}});
    }
  }
  control_.run([&] {
    overload_.apply(config.overload, config.limits);
    listeners_.apply(config, listeners_.open_sockets(config), Listeners::load_tls(config));
    publish_listeners();
    log_listening({});
    watch_config(config.watch);
    warn_of_unused_sockets(config);
    watchdog_ =
        std::make_unique<Watchdog>(watchdog_period_, watched_threads(), log_,
                                   [](const auto& state) { notify_service_manager(state); });
    enter(State::Ready);
  });
  log_.info("ready", {{"version", kVersion}, {"workers", workers_.size()}});
}

void Gateway::log_listening(const std::vector<base::ListenerId>& known) {
  for (const auto& [name, listener] : listeners_.open()) {
    const bool is_new = std::find(known.begin(), known.end(), listener.id) == known.end();
    if (is_new) log_.info("listening", {{"listener", name}, {"address", listener.address}});
  }
}

// Nobody accepts what comes to such a socket: its clients would wait for ever.
void Gateway::warn_of_unused_sockets(const GatewayConfig& config) {
  for (const auto& name : listeners_.unused_sockets(config)) {
    log_.warn("inherited_socket_unused",
              {{"name", name}, {"advice", "no listener has the address fd:" + name}});
  }
}

// Ten times a second, on the control loop.
void Gateway::keep_house() {
  keep_manager_informed();
  if (state_ != State::Starting && !is_stopped_) overload_.look(base::Clock::now());
  if (++ticks_ % kHousekeepingTicks != 0) return;
  log_.flush_suppressed();
  if (admission_.is_aggregation_suspected() && !std::exchange(is_aggregation_told_, true)) {
    log_.warn(
        "source_aggregation_suspected",
        {{"advice", "looks like a load balancer: enable proxy_protocol or turn per_source off"}});
  }
  const auto ended = sessions_ended_.load(std::memory_order_relaxed);
  if (ended - trimmed_at_ < kTrimAfterEnds) return;
  // A storm of closes leaves its memory with the allocator, which keeps it for the next one.
  trimmed_at_ = ended;
  ::malloc_trim(0);
}

// Who still may call whom decides the order: the endpoint asks everybody, acceptors hand over to
// workers, and a session that ends wakes acceptors and the control loop.
void Gateway::shut_down() {
  admin_.reset();
  control_.run([this] {
    stop();
    farewell_.reset();
    removals_.clear();
    announcement_.reset();
    watch_.reset();
    listeners_.close_all();
  });
  workers_.clear();
  acceptors_.clear();
}

GatewayConfig Gateway::present_config() const {
  const base::MutexLock lock{mutex_};
  return config_;
}

void Gateway::start_threads() {
  const auto threads = present(&GatewayConfig::threads);
  admission_.set_on_release([this] {
    for (const auto& acceptor : acceptors_) acceptor->wake_waiting();
  });
  const session::WorkerContext worker_context{
      .log = log_,
      .metrics = session_metrics_,
      .closed = closed_,
      .open_connections = [this] { return admission_.open(); },
      .on_session_ended = [this] { on_session_ended(); }};
  for (std::uint32_t i = 0; i < worker_count(threads); ++i) {
    workers_.push_back(std::make_unique<session::Worker>(i, worker_context));
  }
  for (std::uint32_t i = 0; i < threads.acceptors; ++i) {
    acceptors_.push_back(std::make_unique<AcceptorThread>(
        i, AcceptorContext{log_, admission_, closed_, accept_counters_, dismissals_, headers_,
                           next_session_id_, over_limit_, header_timeout_, workers_}));
  }
}

std::string Gateway::admin_address() const {
  if (!admin_) return {};
  return admin_->address();
}

std::string Gateway::address(const std::string& name) const {
  for (const auto& listener : count_listeners()) {
    if (listener.name == name) return listener.address;
  }
  throw std::out_of_range{"no listener " + name};
}

void Gateway::enter(State state) {
  state_ = state;
  switch (state) {
    case State::Starting:
      break;
    case State::Ready:
      return tell_ready();
    case State::Draining:
      return;  // The status has it in a moment.
    case State::Stopped:
      notify_service_manager("STOPPING=1\nSTATUS=stopped");
      return;
  }
}

void Gateway::request_drain() {
  control_.run([this] { start_drain(); });
}

bool Gateway::request_undrain() {
  return control_.run([this] {
    if (drain_phase_ != 1) return false;
    announcement_.reset();
    drain_phase_ = 0;
    enter(State::Ready);
    log_.info("drain_undone");
    return true;
  });
}

void Gateway::request_stop() {
  control_.run([this] { stop(); });
}

void Gateway::start_drain() {
  if (state_ == State::Stopped) return;
  if (drain_phase_ != 0) {
    log_.warn("drain_hurried");
    if (!farewell_) close_listeners();
    if (!farewell_) return;
    farewell_->hurry();
    drain_deadline_ = farewell_->deadline();
    return;
  }
  const auto options = present(&GatewayConfig::drain);
  drain_deadline_ = base::Clock::now() + options.deadline;
  drain_phase_ = 1;
  enter(State::Draining);
  log_.info("drain_started", {{"connections", admission_.open()}, {"deadline", options.deadline}});
  if (options.announce.count() == 0) return close_listeners();
  announcement_ = std::make_unique<net::Alarm>(control_);
  announcement_->set(base::Clock::now() + options.announce, [this] { close_listeners(); });
}

// Phase 2, and at once phase 3: who was found in the queues is served like all the others.
void Gateway::close_listeners() {
  drain_phase_ = 2;
  if (announcement_) announcement_->cancel();
  tell_manager("STOPPING=1");
  const auto ids = listeners_.ids();
  listeners_.close_all();
  publish_listeners();
  log_.info("listeners_closed", {{"connections", admission_.open()}});
  const auto options = present(&GatewayConfig::drain);
  const auto on_phase = [this](Farewell::Phase phase) {
    drain_phase_ = static_cast<std::uint32_t>(phase);
    log_.info("drain_phase_begun",
              {{"phase", drain_phase_.load()}, {"connections", admission_.open()}});
  };
  farewell_ = std::make_unique<Farewell>(control_, workers_, ids, options, drain_deadline_,
                                         on_phase, [this] { stop(); });
  check_drained();
}

// On a worker's thread, for each session: no lock, and a post only when somebody waits for it.
void Gateway::on_session_ended() {
  const auto ended = sessions_ended_.fetch_add(1, std::memory_order_relaxed) + 1;
  const auto exit_after = exit_after_.load(std::memory_order_relaxed);
  if (exit_after != 0 && ended == exit_after) control_.post([this] { start_drain(); });
  const bool is_awaited = drain_phase_ >= 2 || removals_open_ > 0;
  if (is_awaited) control_.post([this] { check_drained(); });
}

void Gateway::check_drained() {
  std::erase_if(removals_, [this](const auto& removal) {
    if (removal->has_sessions()) return false;
    const auto gone = listeners_.take_leaving(removal->ids);
    publish_listeners();
    listeners_.release(gone);
    --removals_open_;
    return true;
  });
  if (drain_phase_ >= 2 && admission_.open() == 0) stop();
}

void Gateway::stop() {
  if (std::exchange(is_stopped_, true)) return;
  log_.info("stopped", {{"connections", admission_.open()}});
  enter(State::Stopped);
  stopped_.set_value();
}

}  // namespace chatgate::service
