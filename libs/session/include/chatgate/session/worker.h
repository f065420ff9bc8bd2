#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <chatgate/admission/overload.h>
#include <chatgate/admission/ticket.h>
#include <chatgate/base/mutex.h>
#include <chatgate/base/strong_id.h>
#include <chatgate/net/event_loop.h>
#include <chatgate/net/unique_fd.h>
#include <chatgate/session/batch.h>
#include <chatgate/session/end_reason.h>
#include <chatgate/session/listener_profile.h>
#include <chatgate/session/session_metrics.h>
#include <chatgate/session/session_record.h>
#include <chatgate/telemetry/log.h>

namespace chatgate::session {

class Session;

/// An admitted connection on its way from an acceptor to a worker.
struct Arrival {
  net::UniqueFd socket;
  net::PeerAddress peer;
  base::SessionId id;
  base::ListenerId listener;
  admission::Ticket ticket;
  base::Clock::time_point accepted_at;
};

/// What all workers share. Everything outlives them.
struct WorkerContext {
  telemetry::Log& log;
  SessionMetrics& metrics;
  ClosedSessions& closed;
  std::function<std::uint32_t()> open_connections;  // For the template's {connections}. Any thread.
  std::function<void()> on_session_ended;  // After its place is free again. On the worker's thread.
};

/// A worker's part of one listener: its present profile, and what it counts. Worker's thread only.
struct WorkerListener {
  WorkerListener(std::shared_ptr<const ListenerProfile> first, std::string_view its_name,
                 SessionCounters& its_counters);

  void set_profile(std::shared_ptr<const ListenerProfile> next);

  std::shared_ptr<const ListenerProfile> profile;
  const std::string_view name;  // Lives as long as the counters.
  SessionCounters& counters;
  std::size_t sessions = 0;
  std::uint32_t generation = 0;    // Of the profile: another one after each reload.
  bool takes_plain_lines = false;  // answers_plain_lines(*profile)
};

/// One thread that owns its sessions for life.
///
/// Threads: members under "any thread" from everywhere; the others on the worker's own.
/// Lifetime: the destructor aborts the sessions that are left, without counting on their peers.
class Worker {
 public:
  Worker(std::uint32_t index, WorkerContext context);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Any thread.
  std::uint32_t index() const noexcept { return index_; }
  net::EventLoop& loop() noexcept { return loop_; }

  /// Sessions here and on their way here: what an acceptor compares.
  std::uint32_t load() const noexcept { return load_.load(std::memory_order_relaxed); }

  /// Makes sessions of admitted connections, and leaves `arrivals` empty. What comes together, and
  /// before the worker has looked, costs one wake-up.
  void hand_over(std::vector<Arrival>& arrivals);

  /// Takes a listener's profile, new or in place of the present one. Must be called before an
  /// arrival of that listener is handed over.
  void set_profile(std::shared_ptr<const ListenerProfile> profile);

  /// Puts the time-outs of another level of overload in force, for the sessions that are here, too
  /// (some 100 ns each, a part of them at a time).
  void set_overload(admission::OverloadLevel level);

  /// Says `notice` to every session of `listeners`, at a line boundary of our output.
  void announce(std::string notice, std::vector<base::ListenerId> listeners);

  /// Ends the sessions of `listeners` within `spread`: idle ones first, in random order, a busy one
  /// after its current reply.
  void close_spread(std::chrono::nanoseconds spread, std::vector<base::ListenerId> listeners);

  /// Resets what is left of `listeners` at once.
  void abort_all(std::vector<base::ListenerId> listeners);

  /// Ends one session; `abort` resets it. Ids of other workers' sessions are ignored. Calls
  /// `found` on the worker's thread, with whether it was here.
  void close_session(base::SessionId id, bool abort, std::function<void(bool)> found);

  /// Forgets a removed listener, once its sessions are gone.
  void forget_listener(base::ListenerId id);

  /// The open sessions, copied on the worker's thread (about 100 ns each); then calls `done` there.
  void list_sessions(std::function<void(std::vector<OpenSession>)> done);

  /// How long the open sessions have been open, counted on the worker's thread (2 ns each); then
  /// calls `done` there.
  void count_ages(std::function<void(telemetry::HistogramCounts)> done);

  /// How late the loop's ticks come; folded at a scrape.
  const telemetry::Histogram<9>& loop_delay() const noexcept { return loop_delay_; }
  /// The share of the last second that the thread was busy, 0 to 1.
  double busy_ratio() const noexcept { return busy_ratio_.load(std::memory_order_relaxed); }
  /// Bytes that wait for slow readers, and sessions ended because all of them waited for too many.
  const telemetry::Gauge& queued_bytes() const noexcept { return queued_bytes_; }
  const telemetry::Counter& evicted() const noexcept { return evicted_; }
  /// Sessions that have not agreed on TLS yet.
  const telemetry::Gauge& handshakes() const noexcept { return handshake_count_; }

  // The worker's thread: what a session needs of its worker.
  const WorkerContext& context() const noexcept { return context_; }
  admission::OverloadLevel overload() const noexcept { return overload_; }
  WorkerListener& listener(base::ListenerId id);
  Batch& batch() noexcept { return batch_; }
  std::string& text_scratch() noexcept { return text_scratch_; }
  std::string& edit_scratch() noexcept { return edit_scratch_; }
  std::string& render_scratch() noexcept { return render_scratch_; }
  std::minstd_rand& random() noexcept { return random_; }
  void enlist(Session& session, WorkerListener& listener);
  void strike(Session& session, WorkerListener& listener) noexcept;

  /// Keeps account of TLS handshakes. Beyond `max`, this worker's share, the one that has lasted
  /// longest ends.
  void begin_handshake(Session& session, std::size_t max);
  void end_handshake(Session& session) noexcept;

  /// Counts a change of what waits for slow readers; above `budget`, this worker's share, it soon
  /// ends the session with the most.
  void account_queued(std::ptrdiff_t change, base::Bytes budget);

 private:
  void welcome_arrivals();
  void on_tick(base::Clock::duration lateness);
  void hurry_sessions(std::size_t end);
  std::vector<Session*> sessions_of(const std::vector<base::ListenerId>& listeners) const;
  void evict_largest(base::Bytes budget);
  void evict_handshakes(std::size_t max);
  void end_spread(std::vector<Session*> sessions, std::chrono::nanoseconds spread);

  const std::uint32_t index_;
  const WorkerContext context_;

  // Shared with acceptors.
  std::atomic<std::uint32_t> load_{0};
  base::Mutex inbox_mutex_;
  std::vector<Arrival> inbox_ CHATGATE_GUARDED_BY(inbox_mutex_);

  // Written by the worker's thread, read by any.
  telemetry::Histogram<9> loop_delay_;
  std::atomic<double> busy_ratio_{0};
  telemetry::Gauge queued_bytes_;
  telemetry::Counter evicted_;
  telemetry::Gauge handshake_count_;

  // The worker's thread only.
  std::vector<Arrival> arrivals_;
  std::unordered_map<base::ListenerId, std::unique_ptr<WorkerListener>> listeners_;
  std::vector<Session*> sessions_;
  std::vector<base::Clock::time_point> accepted_at_;  // Of sessions_, in its order.
  std::vector<Session*> handshakes_;                  // Oldest first.
  Batch batch_;
  std::string text_scratch_;
  std::string edit_scratch_;
  std::string render_scratch_;
  std::minstd_rand random_;
  std::uint32_t ticks_ = 0;
  std::chrono::nanoseconds cpu_time_{};
  admission::OverloadLevel overload_ = admission::OverloadLevel::None;
  bool is_evicting_ = false;

  net::EventLoop loop_;  // Last member: starts after, and joins before, all it uses.
};

}  // namespace chatgate::session
