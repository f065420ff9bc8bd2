#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace chatgate::service {

/// Tells the service manager about us (sd_notify(3)): `READY=1`, `STATUS=…`; several assignments
/// are separated by newlines. Does nothing when no manager listens (NOTIFY_SOCKET). Returns 0, or
/// the errno of a manager that should listen and cannot be reached.
int notify_service_manager(const std::string& state) noexcept;

/// The assignment of a status: `STATUS=` and `text` as the one short line that a manager takes.
std::string status_state(std::string_view text);

/// The assignments that begin a reload: the manager then waits for `READY=1` (Type=notify-reload).
std::string reloading_state();

/// The assignment that gives a start or a stop so much longer from now on, whatever its time-out.
std::string extend_timeout_state(std::chrono::microseconds time);

/// Within which time the manager wants to hear `WATCHDOG=1` (sd_watchdog_enabled(3)); 0 = it does
/// not.
std::chrono::nanoseconds watchdog_period() noexcept;

/// Whether systemd started us without a socket for notifications: Type= is neither notify nor
/// notify-reload, or NOTIFY_SOCKET was taken away.
bool is_unheard_service() noexcept;

}  // namespace chatgate::service
