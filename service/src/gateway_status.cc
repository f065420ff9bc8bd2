#include "ask_workers.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include <chatgate/config/effective.h>
#include <chatgate/service/gateway.h>
#include <chatgate/service/schema.h>
#include <chatgate/version.h>

// What the admin endpoint shows and controls. Its threads see workers only through posted snapshots
// and folded counters.

namespace chatgate::service {
namespace {

// A loop ticks ten times a second; one that has not for so long is stuck.
constexpr std::chrono::seconds kTickPauseMax{5};

std::string_view state_word(Gateway::State state) noexcept {
  switch (state) {
    case Gateway::State::Starting:
      return "starting";
    case Gateway::State::Ready:
      return "ready";
    case Gateway::State::Draining:
      return "draining";
    case Gateway::State::Stopped:
      return "stopped";
  }
  return "unknown";
}

std::string_view level_word(telemetry::LogLevel level) noexcept {
  switch (level) {
    case telemetry::LogLevel::Trace:
      return "trace";
    case telemetry::LogLevel::Debug:
      return "debug";
    case telemetry::LogLevel::Info:
      return "info";
    case telemetry::LogLevel::Warn:
      return "warn";
    case telemetry::LogLevel::Error:
      return "error";
  }
  return "unknown";
}

}  // namespace

Gateway::Snapshot Gateway::snapshot() const {
  auto answers = ask_workers<std::vector<session::OpenSession>>(
      workers_, [](auto& worker, auto done) { worker.list_sessions(done); });
  Snapshot all;
  all.complete = answers.complete;
  for (auto& part : answers.given) {
    if (all.sessions.empty()) {
      all.sessions = std::move(part);
    } else {
      all.sessions.insert(all.sessions.end(), part.begin(), part.end());
    }
  }
  return all;
}

admin::Liveness Gateway::live() {
  std::string stuck;
  const auto look_at = [&](net::EventLoop& loop) {
    const auto pause = std::chrono::duration_cast<std::chrono::seconds>(loop.since_last_tick());
    if (pause > kTickPauseMax) {
      stuck += fmt::format("{} has not advanced for {} s\n", loop.name(), pause.count());
    }
  };
  for (const auto& worker : workers_) look_at(worker->loop());
  for (const auto& acceptor : acceptors_) look_at(acceptor->loop());
  look_at(control_);
  if (stuck.empty()) return {};
  stuck.pop_back();
  return {.ok = false, .text = std::move(stuck)};
}

admin::Readiness Gateway::ready() {
  return {.ok = state_ == State::Ready, .state = std::string{state_word(state_)}};
}

std::vector<Gateway::ListenerCount> Gateway::count_listeners() const {
  const base::MutexLock lock{mutex_};
  std::vector<ListenerCount> counts;
  for (const auto& view : listener_views_) {
    const auto own_limit = view.slot->limit();
    const auto limit =
        own_limit != 0 ? std::min(own_limit, admission_.limit()) : admission_.limit();
    const auto same = std::find_if(counts.begin(), counts.end(),
                                   [&](const auto& count) { return count.name == view.name; });
    if (same != counts.end()) {
      same->open += view.slot->open();
    } else {
      counts.push_back({view.name, view.address, view.slot->open(), limit});
    }
  }
  return counts;
}

void Gateway::publish_listeners() {
  const base::MutexLock lock{mutex_};
  listener_views_.clear();
  for (const auto& [name, listener] : listeners_.open()) {
    listener_views_.push_back({name, listener.address, listener.slot});
  }
  // After the open ones, so that one of the same name gives the address.
  for (const auto& [id, listener] : listeners_.leaving()) {
    listener_views_.push_back({listener.config.name, "closed", listener.slot});
  }
}

admin::StatusReport Gateway::status() {
  admin::StatusReport report;
  report.version = kVersion;
  report.pid = ::getpid();
  report.started_at = started_at_;
  report.uptime = std::chrono::system_clock::now() - started_at_;
  report.state = state_word(state_);
  report.drain_phase = drain_phase_;
  const auto overload = overload_.view();
  report.overload = {.level = static_cast<std::uint32_t>(overload.level),
                     .cause = overload.cause ? std::string{admission::word(*overload.cause)} : "",
                     .memory_used = overload.memory_used.count,
                     .memory_budget = overload.memory_budget.count};
  report.connections_open = admission_.open();
  report.connections_limit = admission_.limit();
  const auto totals = session_metrics_.totals();
  report.accepted_total = totals.accepted;
  report.rejected_total = totals.rejected;
  report.closed_total = totals.closed;
  for (const auto& listener : count_listeners()) {
    report.listeners.push_back({listener.name, listener.address, listener.open, listener.limit});
  }
  for (const auto& worker : workers_) {
    report.workers.push_back({worker->index(), worker->load(), worker->busy_ratio()});
  }
  report.config_file = config_file_;
  const base::MutexLock lock{mutex_};
  report.last_reload = last_reload_;
  return report;
}

admin::ConnectionList Gateway::connections() {
  const auto all = snapshot();
  admin::ConnectionList list;
  list.complete = all.complete;
  list.rows.reserve(all.sessions.size());
  const auto now = base::Clock::now();
  for (const auto& open : all.sessions) {
    list.rows.push_back({.id = open.record.id,
                         .listener = open.listener_name,
                         .peer = open.record.peer,
                         .worker = open.worker,
                         .state = session::word(open.state),
                         .age = now - open.record.accepted_at,
                         .idle = now - open.last_byte_at,
                         .messages = open.record.messages,
                         .received_bytes = open.record.received_bytes,
                         .sent_bytes = open.record.sent_bytes,
                         .output_bytes = open.queued_bytes,
                         .telnet = open.speaks_telnet});
  }
  return list;
}

std::vector<admin::ClosedRow> Gateway::recently_closed() {
  std::vector<admin::ClosedRow> rows;
  for (const auto& closed : closed_.list()) {
    rows.push_back({.id = closed.record.id,
                    .listener = std::string{closed.listener_name},
                    .peer = closed.record.peer,
                    .reason = std::string{session::token(closed.reason)},
                    .ended_at = closed.ended_at,
                    .duration = closed.duration,
                    .messages = closed.record.messages,
                    .received_bytes = closed.record.received_bytes,
                    .sent_bytes = closed.record.sent_bytes});
  }
  return rows;
}

std::vector<admin::ConfigValue> Gateway::config() {
  const base::MutexLock lock{mutex_};
  auto present = config_;
  std::vector<admin::ConfigValue> values;
  for (auto& [path, text, origin] : config::effective_values(schema().root(), &present, origins_)) {
    values.push_back({std::move(path), std::move(text), to_text(origin)});
  }
  return values;
}

std::vector<admin::PenaltyRow> Gateway::penalties() {
  using Family = net::IpAddress::Family;
  std::vector<admin::PenaltyRow> rows;
  for (const auto family : {Family::V4, Family::V6}) {
    for (const auto& source : admission_.penalized(family, base::Clock::now())) {
      const net::Cidr block{.network = {.family = family, .bytes = source.key.network},
                            .prefix = source.key.prefix};
      rows.push_back({.source = net::to_text(block),
                      .left = source.left,
                      .refused = source.is_barred,
                      .connections = source.open});
    }
  }
  return rows;
}

admin::ControlResult Gateway::forgive(const std::optional<net::IpAddress>& source) {
  using Outcome = admin::ControlResult::Outcome;
  const auto now = base::Clock::now();
  const auto forgiven = source ? admission_.forgive(*source, now) : admission_.forgive_all(now);
  if (source && forgiven == 0) {
    return {Outcome::NotFound, fmt::format("{} has no penalty", net::to_text(*source))};
  }
  const auto whose = source ? net::to_text(*source) : std::string{"all"};
  log_.info("penalties_forgiven", {{"source", whose}, {"sources", forgiven}});
  return {Outcome::Done, fmt::format("forgiven: {}", forgiven)};
}

admin::ControlResult Gateway::close_connection(base::SessionId id, bool abort) {
  using Outcome = admin::ControlResult::Outcome;
  const auto answers = ask_workers<bool>(
      workers_, [id, abort](auto& worker, auto done) { worker.close_session(id, abort, done); });
  if (std::find(answers.given.begin(), answers.given.end(), true) != answers.given.end()) {
    log_.info("session_close_requested", {{"id", id.value}, {"abort", abort}});
    return {Outcome::Done, fmt::format("session {} is being closed", id.value)};
  }
  if (!answers.complete)
    return {Outcome::Unavailable, "a worker did not answer in time; try again"};
  return {Outcome::NotFound, fmt::format("there is no open session {}", id.value)};
}

admin::ControlResult Gateway::force_overload() {
  using Outcome = admin::ControlResult::Outcome;
  const bool is_done = control_.run([this] { return overload_.force(base::Clock::now()); });
  if (!is_done) return {Outcome::Refused, "overload.mode is off"};
  return {Outcome::Done, "overload, until it is released"};
}

admin::ControlResult Gateway::release_overload() {
  using Outcome = admin::ControlResult::Outcome;
  const bool is_done = control_.run([this] { return overload_.release(base::Clock::now()); });
  if (!is_done) return {Outcome::Refused, "nobody has forced an overload"};
  return {Outcome::Done,
          overload_.view().cause ? "released; there is an overload all the same" : "released"};
}

admin::ControlResult Gateway::drain() {
  const bool is_first = drain_phase_ == 0;
  // Not run(): the drain may stop the gateway, whose destructor waits for this very thread.
  control_.post([this] { start_drain(); });
  return {admin::ControlResult::Outcome::Done,
          is_first ? "draining" : "draining already: jumping to the last phase"};
}

admin::ControlResult Gateway::undrain() {
  if (request_undrain()) return {admin::ControlResult::Outcome::Done, "serving again"};
  return {admin::ControlResult::Outcome::Refused,
          drain_phase_ == 0 ? "there is no drain to undo"
                            : "too late: the listeners are closed already"};
}

admin::ControlResult Gateway::set_log_level(telemetry::LogLevel level) {
  auto options = present_config().log;
  options.level = level;
  if (const auto error = log_.apply(options)) {
    return {admin::ControlResult::Outcome::Refused, *error};
  }
  log_.info("log_level_changed", {{"level", level_word(level)}});
  return {admin::ControlResult::Outcome::Done, "log level changed until the next reload"};
}

}  // namespace chatgate::service
