#pragma once

#include "http.h"

namespace chatgate::admin {

/// The page for people: one document without a request to anywhere but this endpoint. It holds no
/// data, so that everyone may load it; its script asks for them, with the token if need be.
///
/// Its Content-Security-Policy lets nothing run but its own script, and no text become markup
/// (Trusted Types). Errors: throws std::system_error when the kernel has no random bytes.
Response status_page();

}  // namespace chatgate::admin
