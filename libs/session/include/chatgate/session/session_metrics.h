#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <chatgate/base/mutex.h>
#include <chatgate/session/end_reason.h>
#include <chatgate/telemetry/counter.h>
#include <chatgate/telemetry/histogram.h>
#include <chatgate/telemetry/metric_writer.h>

namespace chatgate::session {

inline constexpr telemetry::HistogramBounds<9> kDurationBounds{
    100'000'000,     1'000'000'000,     10'000'000'000,     60'000'000'000,    300'000'000'000,
    900'000'000'000, 3'600'000'000'000, 14'400'000'000'000, 86'400'000'000'000};  // ns
inline constexpr telemetry::HistogramBounds<7> kMessagesBounds{0, 1, 2, 10, 100, 1'000, 10'000};
inline constexpr telemetry::HistogramBounds<6> kBytesBounds{64,        1 << 10, 16 << 10,
                                                            256 << 10, 4 << 20, 64 << 20};
// Around the promises 'greeted within 100 ms' and 'answered within 50 ms'.
inline constexpr telemetry::HistogramBounds<10> kGreetingDelayBounds{
    100'000,    500'000,     1'000'000,   5'000'000,     10'000'000,
    50'000'000, 100'000'000, 500'000'000, 1'000'000'000, 5'000'000'000};  // ns
inline constexpr telemetry::HistogramBounds<12> kReplyDelayBounds{
    25'000,    50'000,     100'000,    250'000,     500'000,       1'000'000,
    5'000'000, 10'000'000, 50'000'000, 100'000'000, 1'000'000'000, 5'000'000'000};  // ns
inline constexpr telemetry::HistogramBounds<7> kAgeBounds{
    1'000'000'000,   10'000'000'000,    60'000'000'000,    300'000'000'000,
    900'000'000'000, 3'600'000'000'000, 86'400'000'000'000};  // ns

inline constexpr telemetry::HistogramBounds<9> kLoopDelayBounds{
    100'000,    500'000,     1'000'000,   5'000'000,    10'000'000,
    50'000'000, 100'000'000, 500'000'000, 1'000'000'000};  // ns

/// What one worker counts for one listener.
///
/// Threads: written by its worker alone, read by any. Aligned so that no two workers share a line.
struct alignas(64) SessionCounters {
  telemetry::Counter messages;
  telemetry::Counter replies;
  telemetry::Counter received_bytes;
  telemetry::Counter sent_bytes;
  telemetry::Counter tls_handshakes;
  telemetry::Histogram<12> reply_delay{kReplyDelayBounds};
  std::array<telemetry::Counter, kEndReasonCount> closed;
  telemetry::Histogram<9> duration{kDurationBounds};
  telemetry::Histogram<7> messages_each{kMessagesBounds};
  telemetry::Histogram<6> received_bytes_each{kBytesBounds};
  telemetry::Histogram<6> sent_bytes_each{kBytesBounds};
  telemetry::Histogram<10> greeting_delay{kGreetingDelayBounds};
};

/// The counters of one listener.
struct ListenerCounters {
  ListenerCounters(std::string listener_name, std::size_t worker_count);

  SessionCounters& of_worker(std::size_t index) noexcept { return *workers[index]; }
  std::uint64_t closed_total() const noexcept;
  std::uint64_t rejected_total() const noexcept;

  const std::string name;

  // Written by acceptors, once a connection.
  telemetry::SharedCounter accepted;
  std::array<telemetry::SharedCounter, kEndReasonCount> rejected;

  std::vector<std::unique_ptr<SessionCounters>> workers;
};

/// Every metric that sessions update: the single place where their names are written.
///
/// Threads: any. Lifetime: the counters of a listener stay until the end, so that totals never fall
///   when a reload removes it; a listener of the same name goes on counting.
class SessionMetrics final : public telemetry::MetricSource {
 public:
  explicit SessionMetrics(std::size_t worker_count) : worker_count_{worker_count} {}

  /// The counters of the listener called `name`, made at the first call.
  ListenerCounters& listener(const std::string& name);

  /// Connections of all listeners since the start.
  struct Totals {
    std::uint64_t accepted = 0;
    std::uint64_t rejected = 0;
    std::uint64_t closed = 0;
  };
  Totals totals() const;

  void write_metrics(telemetry::MetricWriter& writer) const override;

 private:
  const std::size_t worker_count_;
  mutable base::Mutex mutex_;
  std::map<std::string, std::unique_ptr<ListenerCounters>> listeners_ CHATGATE_GUARDED_BY(mutex_);
};

}  // namespace chatgate::session
