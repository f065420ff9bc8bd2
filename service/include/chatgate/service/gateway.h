#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <chatgate/admin/backend.h>
#include <chatgate/admin/server.h>
#include <chatgate/admission/admission.h>
#include <chatgate/base/mutex.h>
#include <chatgate/config/diagnostic.h>
#include <chatgate/config/reading.h>
#include <chatgate/net/alarm.h>
#include <chatgate/net/event_loop.h>
#include <chatgate/net/listening_socket.h>
#include <chatgate/service/acceptor_thread.h>
#include <chatgate/service/config_watch.h>
#include <chatgate/service/dismissals.h>
#include <chatgate/service/farewell.h>
#include <chatgate/service/gateway_config.h>
#include <chatgate/service/listeners.h>
#include <chatgate/service/load_config.h>
#include <chatgate/service/overload.h>
#include <chatgate/service/top_connections.h>
#include <chatgate/service/watchdog.h>
#include <chatgate/session/session_metrics.h>
#include <chatgate/session/session_record.h>
#include <chatgate/session/worker.h>
#include <chatgate/telemetry/log.h>
#include <chatgate/telemetry/process_metrics.h>

namespace chatgate::service {

/// What the gateway is started with besides its configuration.
struct GatewayOrigin {
  std::string config_file;          // Read again by a reload; empty = a reload is refused.
  config::Environment environment;  // The overriding variables.
  std::map<std::string, config::Origin> origins;  // Of what is not a default, by path.
  net::InheritedSockets inherited;
  std::chrono::nanoseconds watchdog{0};  // How often the service manager wants to hear; 0 = never.
};

/// The whole gateway: what `chatgate run` and the integration tests run.
///
/// Its life is Starting → Ready → Draining → Stopped; only the control loop moves it.
///
/// Threads: every member may be called from any thread but the gateway's own loops.
/// Lifetime: the destructor stops at once: it resets the sessions that are left.
class Gateway final : private admin::Backend {
 public:
  enum class State : std::uint8_t { Starting, Ready, Draining, Stopped };

  /// Starts everything; ready when it returns. `log` outlives the gateway.
  /// Errors: std::system_error when an address, a descriptor or a thread cannot be had,
  /// std::runtime_error when the descriptor limit is too low, UnusableSetting when an inherited
  /// socket or the token file is of no use.
  Gateway(GatewayConfig config, GatewayOrigin origin, telemetry::Log& log);
  ~Gateway() override;
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  /// Where the listener called `name` listens: `127.0.0.1:41234`, `unix:/path`.
  std::string address(const std::string& name) const;
  /// Where the admin endpoint listens, with the port that the kernel chose; empty without one.
  std::string admin_address() const;
  /// The port of the admin endpoint; 0 when there is none.
  std::uint16_t admin_port() const noexcept { return admin_ ? admin_->port() : std::uint16_t{0}; }

  State state() const noexcept { return state_.load(); }

  /// Starts a drain. A second call jumps to its last phase.
  void request_drain();
  /// Takes a drain back, until its listeners close. Returns whether it did.
  bool request_undrain();
  /// Reads the configuration file again and puts it in force, all or nothing. Opens log files anew
  /// whether or not that succeeds: a log rotation must not depend on it.
  admin::ReloadResult request_reload();
  /// Stops now, without a goodbye to anyone.
  void request_stop();

  /// Waits until the gateway has stopped, at most for `time`. Returns whether it has.
  bool wait_for(std::chrono::nanoseconds time) const {
    return stopped_future_.wait_for(time) == std::future_status::ready;
  }
  void wait() const { stopped_future_.wait(); }

  /// Looks after the other threads for the service manager's watchdog. The main thread calls it, at
  /// least ten times a second, if GatewayOrigin has a period.
  void watch() { watchdog_->look(base::Clock::now()); }

  /// The whole answer of /metrics.
  std::string metrics() override;

 private:
  // gateway.cc: life.
  void start_drain();
  void close_listeners();
  void stop();
  void on_session_ended();
  void check_drained();
  void enter(State state);
  void start();
  void start_threads();
  void watch_config(bool is_wanted);
  void keep_house();
  void warn_of_unused_sockets(const GatewayConfig& config);
  void log_listening(const std::vector<base::ListenerId>& known);
  void shut_down();
  GatewayConfig present_config() const;

  // A part of it, for who needs no more: the whole may hold lists of 100,000 blocks.
  template <class Part>
  Part present(Part GatewayConfig::*part) const {
    const base::MutexLock lock{mutex_};
    return config_.*part;
  }

  // gateway_manager.cc: what the service manager hears.
  std::string manager_status() const;
  int tell_manager(const std::string& state);
  void tell_ready();
  void keep_manager_informed();
  std::vector<Watchdog::Watched> watched_threads();

  // gateway_reload.cc.
  admin::ReloadResult reload_and_record();
  admin::ReloadResult reload_now();
  admin::ReloadResult apply(LoadedConfig loaded, std::vector<std::string> changed);
  void record(const admin::ReloadResult& result);
  std::optional<std::string> reload_access(const GatewayConfig& config);
  void drain_removed(std::vector<base::ListenerId> ids, const DrainOptions& options);

  // gateway_status.cc: what the admin endpoint shows.
  struct Snapshot {
    std::vector<session::OpenSession> sessions;
    bool complete = true;
  };
  Snapshot snapshot() const;
  admin::Liveness live() override;
  admin::Readiness ready() override;
  admin::StatusReport status() override;
  admin::ConnectionList connections() override;
  std::vector<admin::ClosedRow> recently_closed() override;
  std::vector<admin::ConfigValue> config() override;
  std::vector<admin::PenaltyRow> penalties() override;
  admin::ControlResult forgive(const std::optional<net::IpAddress>& source) override;
  admin::ControlResult close_connection(base::SessionId id, bool abort) override;
  admin::ControlResult force_overload() override;
  admin::ControlResult release_overload() override;
  admin::ControlResult drain() override;
  admin::ControlResult undrain() override;
  admin::ReloadResult reload() override { return request_reload(); }
  admin::ControlResult set_log_level(telemetry::LogLevel level) override;

  // gateway_metrics.cc.
  void write_limits(telemetry::MetricWriter& writer) const;
  void write_admission(telemetry::MetricWriter& writer) const;
  void write_overload(telemetry::MetricWriter& writer) const;
  void write_workers(telemetry::MetricWriter& writer) const;
  void write_sessions(telemetry::MetricWriter& writer);
  void write_lifecycle(telemetry::MetricWriter& writer) const;

  /// A listener as the endpoint's threads may see it.
  struct ListenerView {
    std::string name;
    std::string address;
    const admission::ListenerSlot* slot;  // Valid while mutex_ is held.
  };
  struct ListenerCount {
    std::string name;
    std::string address;
    std::uint32_t open;
    std::uint32_t limit;
  };
  std::vector<ListenerCount> count_listeners() const;
  void publish_listeners();

  // In order of dependency: the order of the members is their lifetime.
  telemetry::Log& log_;
  const std::string config_file_;
  const config::Environment environment_;
  const std::chrono::nanoseconds watchdog_period_;
  const std::chrono::system_clock::time_point started_at_ = std::chrono::system_clock::now();

  // Shared by all threads.
  std::atomic<State> state_{State::Starting};
  std::atomic<std::uint32_t> drain_phase_{0};
  std::atomic<base::Clock::time_point> drain_deadline_{};  // Of the drain, if there is one.
  std::atomic<std::uint32_t> removals_open_{0};  // Farewells to listeners that a reload removed.
  std::atomic<std::uint64_t> next_session_id_{1};
  std::atomic<std::uint64_t> sessions_ended_{0};
  std::atomic<std::uint64_t> exit_after_{0};
  std::atomic<OverLimit> over_limit_{OverLimit::Reply};
  std::atomic<std::chrono::nanoseconds> header_timeout_;
  AcceptCounters accept_counters_;
  PlaceBudget dismissals_;
  PlaceBudget headers_;
  std::array<telemetry::SharedCounter, admin::kReloadOutcomeCount> reloads_;  // By outcome.

  mutable base::Mutex mutex_;
  GatewayConfig config_ CHATGATE_GUARDED_BY(mutex_);
  std::map<std::string, config::Origin> origins_ CHATGATE_GUARDED_BY(mutex_);
  std::vector<ListenerView> listener_views_ CHATGATE_GUARDED_BY(mutex_);
  std::optional<admin::LastReload> last_reload_ CHATGATE_GUARDED_BY(mutex_);
  std::chrono::system_clock::time_point reload_succeeded_at_ CHATGATE_GUARDED_BY(mutex_) =
      started_at_;
  bool reload_successful_ CHATGATE_GUARDED_BY(mutex_) = true;

  admission::Admission admission_;
  session::SessionMetrics session_metrics_;
  session::ClosedSessions closed_;
  telemetry::ProcessMetrics process_metrics_;
  TopConnections top_connections_;
  std::vector<std::unique_ptr<session::Worker>> workers_;
  std::vector<std::unique_ptr<AcceptorThread>> acceptors_;
  Overload overload_;  // Looks on the control loop.

  // The control loop's.
  Listeners listeners_;
  std::unique_ptr<Farewell> farewell_;  // Of the drain, from its notice on.
  struct Removal;                       // Of listeners that a reload removed.
  std::vector<std::unique_ptr<Removal>> removals_;
  std::unique_ptr<net::Alarm> announcement_;  // While a drain is announced.
  std::unique_ptr<ConfigWatch> watch_;
  std::uint32_t ticks_ = 0;
  bool is_aggregation_told_ = false;
  std::uint64_t trimmed_at_ = 0;  // Sessions that had ended when memory was last given back.
  std::promise<void> stopped_;
  bool is_stopped_ = false;
  std::string reload_failure_;  // Why the last reload failed; empty if it did not.
  std::string told_status_;     // What the service manager shows.
  base::Clock::time_point timeout_extended_at_;
  std::shared_future<void> stopped_future_ = stopped_.get_future().share();

  std::unique_ptr<Watchdog> watchdog_;  // Set before we are ready.

  net::EventLoop control_;
  std::unique_ptr<admin::Server> admin_;
};

}  // namespace chatgate::service
