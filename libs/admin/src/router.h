#pragma once

#include "control_guard.h"
#include "http.h"

#include <chatgate/admin/backend.h>

namespace chatgate::admin {

/// Answers one request. HEAD is answered like GET; the server leaves the body out.
///
/// Threads: any, several at a time. Errors: passes on what `backend` throws.
Response respond(const Request& request, Backend& backend, const ControlGuard& guard);

}  // namespace chatgate::admin
