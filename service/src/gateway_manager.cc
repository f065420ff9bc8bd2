#include "removal.h"

#include <algorithm>
#include <system_error>

#include <fmt/format.h>

#include <chatgate/service/gateway.h>
#include <chatgate/service/service_manager.h>

// What the service manager hears of the gateway: sd_notify(3).

namespace chatgate::service {
namespace {

constexpr std::uint32_t kStatusTicks = 10;  // At most once a second: each one wakes the manager.
// So often a drain asks for so much more time: a gateway that hangs is still killed soon.
constexpr std::chrono::seconds kExtendPause{5};
constexpr std::chrono::seconds kExtension{15};

}  // namespace

std::string Gateway::manager_status() const {
  const auto open = admission_.open();
  std::uint32_t draining = drain_phase_ >= 2 ? open : 0;
  if (drain_phase_ < 2) {
    for (const auto& removal : removals_) {
      for (const auto* slot : removal->slots) draining += slot->open();
    }
  }
  const auto counts = fmt::format("open {}/{}, draining {}", open, admission_.limit(), draining);
  return reload_failure_.empty() ? counts : "reload failed: " + reload_failure_ + "; " + counts;
}

int Gateway::tell_manager(const std::string& state) {
  told_status_ = manager_status();
  return notify_service_manager((state.empty() ? "" : state + '\n') + status_state(told_status_));
}

void Gateway::tell_ready() {
  if (const int error = tell_manager("READY=1")) {
    log_.warn("notify_failed", {{"error", std::generic_category().message(error)},
                                {"advice", "NOTIFY_SOCKET is out of reach: see NotifyAccess="}});
  }
}

// On every tick of the control loop.
void Gateway::keep_manager_informed() {
  if (watchdog_) watchdog_->look_at_main(base::Clock::now());
  if (state_ != State::Ready && state_ != State::Draining) return;
  if (state_ == State::Draining) {
    const auto now = base::Clock::now();
    if (now - timeout_extended_at_ >= kExtendPause) {
      timeout_extended_at_ = now;
      notify_service_manager(extend_timeout_state(kExtension));
    }
  }
  if (ticks_ % kStatusTicks == 0 && manager_status() != told_status_) tell_manager({});
}

std::vector<Watchdog::Watched> Gateway::watched_threads() {
  std::vector<Watchdog::Watched> threads;
  const auto add = [&](net::EventLoop& loop) {
    threads.push_back({loop.name(), [&loop] { return loop.since_last_tick(); }});
  };
  for (const auto& worker : workers_) add(worker->loop());
  for (const auto& acceptor : acceptors_) add(acceptor->loop());
  add(control_);
  return threads;
}

}  // namespace chatgate::service
