#include <string_view>

#include <chatgate/session/session_metrics.h>

namespace chatgate::session {
namespace {

using telemetry::HistogramCounts;
using telemetry::Labels;
using telemetry::MetricWriter;

constexpr double kSecondsPerNanosecond = 1e-9;

template <class Value>
std::uint64_t sum_over_workers(const ListenerCounters& counters, Value value) {
  std::uint64_t total = 0;
  for (const auto& worker : counters.workers) total += value(*worker);
  return total;
}

template <class Distribution>
HistogramCounts fold(const ListenerCounters& counters, Distribution distribution) {
  HistogramCounts total;
  for (const auto& worker : counters.workers) ((*worker).*distribution).add_to(total);
  return total;
}

void write_totals(MetricWriter& writer, const Labels& labels, const ListenerCounters& counters) {
  const auto total = [&](auto member) {
    return static_cast<double>(
        sum_over_workers(counters, [&](const auto& worker) { return (worker.*member).value(); }));
  };
  writer.counter("chatgate_connections_accepted_total", "Connections accepted, refused ones too.",
                 labels, static_cast<double>(counters.accepted.value()));
  writer.counter("chatgate_messages_received_total", "Messages read from clients.", labels,
                 total(&SessionCounters::messages));
  writer.counter("chatgate_replies_sent_total", "Replies handed to the kernel as a whole.", labels,
                 total(&SessionCounters::replies));
  writer.counter("chatgate_received_bytes_total", "Bytes read from clients.", labels,
                 total(&SessionCounters::received_bytes));
  writer.counter("chatgate_sent_bytes_total", "Bytes handed to the kernel for clients.", labels,
                 total(&SessionCounters::sent_bytes));
  writer.counter("chatgate_tls_handshakes_total", "TLS handshakes that were done.", labels,
                 total(&SessionCounters::tls_handshakes));
}

void write_ends(MetricWriter& writer, const std::string& listener,
                const ListenerCounters& counters) {
  for (const auto reason : all_end_reasons()) {
    const auto index = static_cast<std::size_t>(reason);
    const Labels labels{{"listener", listener}, {"reason", std::string{token(reason)}}};
    if (is_refusal(reason)) {
      writer.counter("chatgate_connections_rejected_total", "Connections refused, by reason.",
                     labels, static_cast<double>(counters.rejected[index].value()));
    } else {
      const auto closed = sum_over_workers(
          counters, [&](const auto& worker) { return worker.closed[index].value(); });
      writer.counter("chatgate_connections_closed_total", "Sessions ended, by reason.", labels,
                     static_cast<double>(closed));
    }
  }
}

void write_distributions(MetricWriter& writer, const Labels& labels,
                         const ListenerCounters& counters) {
  writer.histogram("chatgate_connection_duration_seconds", "From accept to the end of a session.",
                   labels, fold(counters, &SessionCounters::duration), kSecondsPerNanosecond);
  writer.histogram("chatgate_connection_messages", "Messages of an ended session.", labels,
                   fold(counters, &SessionCounters::messages_each));
  writer.histogram("chatgate_connection_received_bytes", "Bytes read from an ended session.",
                   labels, fold(counters, &SessionCounters::received_bytes_each));
  writer.histogram("chatgate_connection_sent_bytes", "Bytes sent to an ended session.", labels,
                   fold(counters, &SessionCounters::sent_bytes_each));
  writer.histogram("chatgate_greeting_delay_seconds", "From accept to the greeting written.",
                   labels, fold(counters, &SessionCounters::greeting_delay), kSecondsPerNanosecond);
  writer.histogram("chatgate_reply_delay_seconds", "From a complete message to its reply written.",
                   labels, fold(counters, &SessionCounters::reply_delay), kSecondsPerNanosecond);
}

}  // namespace

ListenerCounters::ListenerCounters(std::string listener_name, std::size_t worker_count)
    : name{std::move(listener_name)} {
  while (workers.size() < worker_count) workers.push_back(std::make_unique<SessionCounters>());
}

std::uint64_t ListenerCounters::closed_total() const noexcept {
  return sum_over_workers(*this, [](const auto& worker) {
    std::uint64_t total = 0;
    for (const auto& closed : worker.closed) total += closed.value();
    return total;
  });
}

std::uint64_t ListenerCounters::rejected_total() const noexcept {
  std::uint64_t total = 0;
  for (const auto& counter : rejected) total += counter.value();
  return total;
}

ListenerCounters& SessionMetrics::listener(const std::string& name) {
  const base::MutexLock lock{mutex_};
  auto& counters = listeners_[name];
  if (!counters) counters = std::make_unique<ListenerCounters>(name, worker_count_);
  return *counters;
}

SessionMetrics::Totals SessionMetrics::totals() const {
  const base::MutexLock lock{mutex_};
  Totals totals;
  for (const auto& [name, counters] : listeners_) {
    totals.accepted += counters->accepted.value();
    totals.rejected += counters->rejected_total();
    totals.closed += counters->closed_total();
  }
  return totals;
}

void SessionMetrics::write_metrics(MetricWriter& writer) const {
  const base::MutexLock lock{mutex_};
  for (const auto& [name, counters] : listeners_) {
    const Labels labels{{"listener", name}};
    write_totals(writer, labels, *counters);
    write_ends(writer, name, *counters);
    write_distributions(writer, labels, *counters);
  }
}

}  // namespace chatgate::session
