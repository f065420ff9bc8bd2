#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <chatgate/admin/backend.h>
#include <chatgate/base/mutex.h>

namespace chatgate::admin {

/// A small gateway: it has three sessions, remembers what it was told, and can be made to answer
/// otherwise before the server starts.
class FakeBackend : public Backend {
 public:
  FakeBackend();

  // Answers; set them before a request needs them.
  Liveness liveness;
  Readiness readiness{true, "ready"};
  ConnectionList open;
  std::vector<ClosedRow> closed;
  std::vector<PenaltyRow> penalized;
  StatusReport report;
  std::vector<ConfigValue> values;
  ControlResult control{ControlResult::Outcome::Done, "done"};
  ReloadResult reloaded;
  std::string failure;  // Not empty: metrics() throws it.

  /// What was controlled, in order: `drain`, `close 7`, `abort 7`, `level 1`.
  std::vector<std::string> commands() const;

  std::string metrics() override;
  Liveness live() override { return liveness; }
  Readiness ready() override { return readiness; }
  StatusReport status() override { return report; }
  ConnectionList connections() override { return open; }
  std::vector<ClosedRow> recently_closed() override { return closed; }
  std::vector<ConfigValue> config() override { return values; }
  std::vector<PenaltyRow> penalties() override { return penalized; }
  ControlResult forgive(const std::optional<net::IpAddress>& source) override;
  ControlResult close_connection(base::SessionId id, bool abort) override;
  ControlResult force_overload() override;
  ControlResult release_overload() override;
  ControlResult drain() override;
  ControlResult undrain() override;
  ReloadResult reload() override;
  ControlResult set_log_level(telemetry::LogLevel level) override;

 private:
  void note(std::string command);

  mutable base::Mutex mutex_;
  std::vector<std::string> commands_ CHATGATE_GUARDED_BY(mutex_);
};

/// A row to vary. `peer` is an address and port 4711.
ConnectionRow make_row(std::uint64_t id, const std::string& peer);

}  // namespace chatgate::admin
