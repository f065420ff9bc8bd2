#pragma once

#include <string>

namespace chatgate::service {

/// Tells the service manager about us (sd_notify(3)): `READY=1`, `STATUS=…`; several assignments
/// are separated by newlines. Does nothing when no manager listens (NOTIFY_SOCKET).
void notify_service_manager(const std::string& state) noexcept;

/// The assignments that begin a reload: the manager then waits for `READY=1` (Type=notify-reload).
std::string reloading_state();

}  // namespace chatgate::service
