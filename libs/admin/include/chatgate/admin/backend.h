#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <chatgate/base/strong_id.h>
#include <chatgate/net/address.h>
#include <chatgate/telemetry/log_options.h>

namespace chatgate::admin {

using WallTime = std::chrono::system_clock::time_point;

/// Whether every thread's loop advanced lately; `text` names the stuck one when not.
struct Liveness {
  bool ok = true;
  std::string text = "ok";
};

/// Whether new clients should be sent here; `state` is one word: starting, ready, draining, ….
struct Readiness {
  bool ok = false;
  std::string state;
};

/// One open session.
struct ConnectionRow {
  base::SessionId id;
  std::string_view listener;  // A name that the gateway keeps to its end.
  net::PeerAddress peer;
  std::uint32_t worker = 0;
  std::string_view state;  // One word of a closed list.
  std::chrono::nanoseconds age{};
  std::chrono::nanoseconds idle{};  // Since the client's last byte.
  std::uint64_t messages = 0;
  std::uint64_t received_bytes = 0;
  std::uint64_t sent_bytes = 0;
  std::uint64_t output_bytes = 0;  // Waiting for the client to read them.
  bool tls = false;
  bool telnet = false;  // The client negotiates.
};

struct ConnectionList {
  std::vector<ConnectionRow> rows;
  bool complete = true;  // False: a worker did not answer in time and its rows are missing.
};

/// One session that ended.
struct ClosedRow {
  base::SessionId id;
  std::string listener;
  net::PeerAddress peer;
  std::string reason;
  WallTime ended_at;
  std::chrono::nanoseconds duration{};
  std::uint64_t messages = 0;
  std::uint64_t received_bytes = 0;
  std::uint64_t sent_bytes = 0;
};

/// A source that is to pay for what its clients did.
struct PenaltyRow {
  std::string source;  // `192.0.2.1/32`, `2001:db8::/64`
  std::chrono::nanoseconds left{};
  bool refused = false;  // Until nothing is left.
  std::uint64_t connections = 0;
};

/// What became of a request that changes something.
struct ControlResult {
  enum class Outcome : std::uint8_t {
    Done,
    NotFound,     // There is no such thing (any more).
    Refused,      // Not in the present state, such as undrain after the listeners closed.
    Unavailable,  // A worker did not answer in time.
  };

  Outcome outcome = Outcome::Done;
  std::string text;  // One sentence for the operator.
};

/// What a reload did, all or nothing.
struct ReloadResult {
  enum class Outcome : std::uint8_t { Applied, Rejected, RequiresRestart, Unchanged };

  Outcome outcome = Outcome::Unchanged;
  std::vector<std::string> keys;    // Applied, or those that require a restart.
  std::vector<std::string> errors;  // `file:line:column: message`
};

inline constexpr std::size_t kReloadOutcomeCount = 4;

/// The word of an outcome in JSON, metrics and the log: `requires_restart`.
std::string_view to_token(ReloadResult::Outcome outcome) noexcept;

/// One value of the configuration in force.
struct ConfigValue {
  std::string path;    // `limits.max_connections`
  std::string value;   // As the file would have it.
  std::string origin;  // `default`, `chatgate.yaml:12:3`, `environment CHATGATE__…`
};

struct ListenerStatus {
  std::string name;
  std::string address;
  std::uint64_t open = 0;
  std::uint64_t limit = 0;
};

struct WorkerStatus {
  std::uint32_t index = 0;
  std::uint64_t connections = 0;
  double busy_ratio = 0;  // 0 to 1
};

/// How the gateway defends itself when places or memory run out.
struct OverloadStatus {
  std::uint32_t level = 0;  // 0 = not at all.
  std::string cause;        // One word; empty at level 0.
  std::uint64_t memory_used = 0;
  std::uint64_t memory_budget = 0;
};

struct LastReload {
  WallTime at;
  ReloadResult result;
};

/// The gateway at a glance.
struct StatusReport {
  std::string version;
  std::int64_t pid = 0;
  WallTime started_at;
  std::chrono::nanoseconds uptime{};
  std::string state;
  std::uint32_t drain_phase = 0;  // 0 = no drain.
  OverloadStatus overload;
  std::uint64_t connections_open = 0;
  std::uint64_t connections_limit = 0;
  std::uint64_t accepted_total = 0;
  std::uint64_t rejected_total = 0;
  std::uint64_t closed_total = 0;
  std::vector<ListenerStatus> listeners;
  std::vector<WorkerStatus> workers;
  std::string config_file;
  std::optional<LastReload> last_reload;  // None before the first.
};

/// What the endpoint shows and controls; the service implements it. Contents of messages are never
/// part of it.
///
/// Threads: every function is called from the endpoint's threads, several at a time.
/// Errors: an exception becomes a response of status 500.
/// Cost: each call bounds its own waiting (a second, say): while one waits, so does one of the
///   endpoint's few threads.
class Backend {
 public:
  virtual ~Backend() = default;

  /// The Prometheus text format 0.0.4.
  virtual std::string metrics() = 0;
  virtual Liveness live() = 0;
  virtual Readiness ready() = 0;
  virtual StatusReport status() = 0;
  virtual ConnectionList connections() = 0;
  virtual std::vector<ClosedRow> recently_closed() = 0;
  /// In the order of the reference. Secrets are in files, so that none is here.
  virtual std::vector<ConfigValue> config() = 0;
  virtual std::vector<PenaltyRow> penalties() = 0;

  /// Ends one session: by the goodbye-safe close, or by a reset when `abort`.
  virtual ControlResult close_connection(base::SessionId id, bool abort) = 0;
  /// Forgets the penalty of the source of an address, or of all sources.
  virtual ControlResult forgive(const std::optional<net::IpAddress>& source) = 0;
  /// Begins an overload until it is released; ends one that was forced.
  virtual ControlResult force_overload() = 0;
  virtual ControlResult release_overload() = 0;
  virtual ControlResult drain() = 0;
  virtual ControlResult undrain() = 0;
  virtual ReloadResult reload() = 0;
  virtual ControlResult set_log_level(telemetry::LogLevel level) = 0;
};

}  // namespace chatgate::admin
