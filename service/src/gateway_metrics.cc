#include "ask_workers.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <string.h>

#include <chatgate/service/gateway.h>
#include <chatgate/service/machine.h>
#include <chatgate/service/memory_budget.h>
#include <chatgate/version.h>

// Every metric that is of the gateway as a whole: the single place where their names are written.

namespace chatgate::service {
namespace {

using telemetry::HistogramCounts;
using telemetry::Labels;
using telemetry::MetricWriter;

constexpr double kSecondsPerNanosecond = 1e-9;

double seconds_since_epoch(std::chrono::system_clock::time_point time) {
  return std::chrono::duration<double>{time.time_since_epoch()}.count();
}

}  // namespace

std::string Gateway::metrics() {
  MetricWriter writer;
  process_metrics_.write_metrics(writer);
  log_.write_metrics(writer);
  session_metrics_.write_metrics(writer);
  write_limits(writer);
  write_admission(writer);
  write_overload(writer);
  write_workers(writer);
  write_sessions(writer);
  write_lifecycle(writer);
  return writer.serialize();
}

void Gateway::write_limits(MetricWriter& writer) const {
  for (const auto& listener : count_listeners()) {
    const Labels labels{{"listener", listener.name}};
    writer.gauge("chatgate_connections_open", "Sessions open, by listener.", labels, listener.open);
    writer.gauge("chatgate_connections_limit", "Sessions that may be open, by listener.", labels,
                 listener.limit);
  }
  writer.gauge("chatgate_global_connections_open", "Sessions open on all listeners.", {},
               admission_.open());
  writer.gauge("chatgate_global_connections_limit",
               "Sessions that may be open on all listeners (limits.max_connections, or less when "
               "descriptors are short).",
               {}, admission_.limit());
  writer.gauge("chatgate_memory_limit_bytes",
               "Memory that the process may have: the machine's, or less by its cgroups.", {},
               static_cast<double>(memory_limit().count));
}

void Gateway::write_admission(MetricWriter& writer) const {
  using Family = net::IpAddress::Family;
  for (std::size_t i = 0; i < admission::kRefusalCount; ++i) {
    const auto refusal = static_cast<admission::Refusal>(i);
    if (refusal == admission::Refusal::DenyCidr) continue;  // Access lists have no mode.
    writer.counter("chatgate_would_reject_total",
                   "Connections let in that a limit in mode observe would have refused.",
                   {{"reason", std::string{session::token(session::to_end_reason(refusal))}}},
                   static_cast<double>(admission_.would_reject(refusal)));
  }
  for (const auto& [name, offence] :
       {std::pair{"wrong_protocol", admission::Offence::WrongProtocol},
        std::pair{"idle_before_first_message", admission::Offence::IdleBeforeFirstMessage},
        std::pair{"protocol_error", admission::Offence::ProtocolError}}) {
    writer.counter("chatgate_penalties_total", "Penalties given to sources, by offence.",
                   {{"offence", name}}, static_cast<double>(admission_.penalties(offence)));
  }
  writer.gauge("chatgate_source_aggregation_suspected",
               "1 while nearly all connections come from one or two private addresses, as a load "
               "balancer's do.",
               {}, admission_.is_aggregation_suspected() ? 1 : 0);
  for (const auto& [name, family] : {std::pair{"v4", Family::V4}, std::pair{"v6", Family::V6}}) {
    writer.gauge("chatgate_sources_tracked", "Sources that per_source remembers.",
                 {{"family", name}}, admission_.sources_tracked(family));
  }
  writer.gauge("chatgate_sources_limit", "Sources of one family that per_source can remember.", {},
               admission::SourceTable::kSourcesMax);
  writer.counter("chatgate_source_table_full_total",
                 "Connections let in uncounted because the table of sources was full.", {},
                 static_cast<double>(admission_.source_table_full()));
  for (std::size_t i = 0; i < accept_counters_.errors.size(); ++i) {
    const bool is_known = i < AcceptCounters::kErrors.size();
    const std::string error = is_known ? ::strerrorname_np(AcceptCounters::kErrors[i]) : "other";
    writer.counter("chatgate_accept_errors_total", "Failures of accept4(2), by error.",
                   {{"error", error}}, static_cast<double>(accept_counters_.errors[i].value()));
  }
  writer.counter("chatgate_accept_paused_seconds_total",
                 "Time that listeners waited for room (over_limit: backlog).", {},
                 static_cast<double>(accept_counters_.paused_ns.value()) * kSecondsPerNanosecond);
  writer.gauge("chatgate_proxy_headers_waiting", "Connections whose PROXY header is awaited.", {},
               static_cast<double>(headers_.used()));
  writer.gauge("chatgate_proxy_headers_waiting_limit", "How many may wait.", {},
               static_cast<double>(headers_.max()));
  writer.counter("chatgate_proxy_headers_overflow_total",
                 "Connections that gave up their wait for a PROXY header because too many waited.",
                 {}, static_cast<double>(headers_.overflows()));
  std::int64_t handshakes = 0;
  for (const auto& worker : workers_) handshakes += worker->handshakes().value();
  writer.gauge("chatgate_tls_handshakes_open", "TLS handshakes that are not done yet.", {},
               static_cast<double>(handshakes));
  writer.gauge("chatgate_tls_handshakes_limit", "How many may be under way.", {},
               present(&GatewayConfig::limits).tls_handshakes);
  writer.gauge("chatgate_lingering_refusals", "Refused clients that still may read their line.", {},
               static_cast<double>(dismissals_.used()));
  writer.gauge("chatgate_lingering_refusals_limit", "How many may linger.", {},
               static_cast<double>(dismissals_.max()));
  writer.counter("chatgate_lingering_overflow_total",
                 "Refused clients closed at once because too many lingered.", {},
                 static_cast<double>(dismissals_.overflows()));
}

void Gateway::write_overload(MetricWriter& writer) const {
  const auto view = overload_.view();
  writer.gauge("chatgate_overload_state",
               "0 none, 1 who has said nothing has less time, 2 who is silent or slow as well.", {},
               static_cast<double>(view.level));
  for (std::size_t i = 0; i < admission::kOverloadCauseCount; ++i) {
    const auto cause = static_cast<admission::OverloadCause>(i);
    writer.gauge("chatgate_overload_cause", "1 for what an overload comes from.",
                 {{"cause", std::string{admission::word(cause)}}}, view.cause == cause ? 1 : 0);
  }
  writer.gauge("chatgate_memory_used_bytes",
               "Memory in use: of the cgroup with the least limit, or of the process.", {},
               static_cast<double>(view.memory_used.count));
  writer.gauge("chatgate_memory_budget_bytes",
               "Memory beyond which nobody is let in (overload.memory).", {},
               static_cast<double>(view.memory_budget.count));
}

void Gateway::write_workers(MetricWriter& writer) const {
  HistogramCounts delays;
  std::int64_t queued = 0;
  std::uint64_t evicted = 0;
  for (const auto& worker : workers_) {
    const Labels labels{{"worker", std::to_string(worker->index())}};
    writer.gauge("chatgate_worker_connections", "Sessions of a worker.", labels, worker->load());
    writer.gauge("chatgate_worker_busy_ratio",
                 "The share of the last second that a worker's thread was busy.", labels,
                 worker->busy_ratio());
    worker->loop_delay().add_to(delays);
    queued += worker->queued_bytes().value();
    evicted += worker->evicted().value();
  }
  writer.histogram("chatgate_worker_loop_delay_seconds",
                   "How late the workers' loops came to their ticks.", {}, delays,
                   kSecondsPerNanosecond);
  writer.gauge("chatgate_output_queued_bytes", "Bytes that wait for slow readers.", {},
               static_cast<double>(queued));
  writer.gauge("chatgate_output_queued_bytes_limit",
               "How many may wait: output.budget, or half of the memory.", {},
               static_cast<double>(output_budget(present(&GatewayConfig::output).budget).count));
  writer.counter("chatgate_output_evictions_total",
                 "Sessions ended because all slow readers together had too much waiting.", {},
                 static_cast<double>(evicted));
}

void Gateway::write_sessions(MetricWriter& writer) {
  using Ages = telemetry::Histogram<session::kAgeBounds.size()>;
  HistogramCounts ages;
  Ages{session::kAgeBounds}.add_to(ages);  // Of nobody, should no worker answer.
  const auto answers = ask_workers<HistogramCounts>(
      workers_, [](auto& worker, auto done) { worker.count_ages(done); });
  for (const auto& part : answers.given) ages.add(part);
  // A histogram of what is, not of what was.
  writer.histogram("chatgate_open_connection_age_seconds", "Ages of the sessions that are open.",
                   {}, ages, kSecondsPerNanosecond);
  const auto top = present(&GatewayConfig::top_connections);
  if (top.count > 0) top_connections_.write_metrics(writer, snapshot().sessions, top);
}

void Gateway::write_lifecycle(MetricWriter& writer) const {
  writer.gauge("chatgate_ready", "1 while new clients are welcome: what /readyz says.", {},
               state_ == State::Ready ? 1 : 0);
  writer.gauge("chatgate_drain_phase",
               "0 none, 1 announce, 2 close listeners, 3 notice, 4 spread, 5 deadline.", {},
               drain_phase_);
  writer.gauge("chatgate_drain_remaining_connections", "Sessions that a drain still waits for.", {},
               drain_phase_ != 0 ? admission_.open() : 0);
  const auto left = drain_deadline_.load() - base::Clock::now();
  writer.gauge("chatgate_drain_remaining_seconds",
               "Time until a drain resets the sessions that are left; 0 without a drain.", {},
               drain_phase_ != 0 ? std::max(0.0, std::chrono::duration<double>{left}.count()) : 0);
  for (std::size_t i = 0; i < reloads_.size(); ++i) {
    const auto outcome = static_cast<admin::ReloadResult::Outcome>(i);
    writer.counter("chatgate_config_reloads_total", "Reloads, by result.",
                   {{"result", std::string{admin::to_token(outcome)}}},
                   static_cast<double>(reloads_[i].value()));
  }
  const base::MutexLock lock{mutex_};
  writer.gauge("chatgate_config_last_reload_successful",
               "1 when the last reload, or the start, succeeded.", {}, reload_successful_ ? 1 : 0);
  writer.gauge("chatgate_config_last_reload_success_timestamp_seconds",
               "When a configuration was last put in force.", {},
               seconds_since_epoch(reload_succeeded_at_));
}

}  // namespace chatgate::service
