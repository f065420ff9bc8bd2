#pragma once

#include <chatgate/base/units.h>
#include <chatgate/telemetry/log.h>

namespace chatgate::service {

/// How many bytes may wait for slow readers: `configured` (`output.budget`), or half of the
/// process's memory_limit() when that is less. A container that is given less memory than the
/// configuration thinks then ends its slowest reader, and is not ended itself by the kernel.
base::Bytes output_budget(base::Bytes configured);

/// Logs it when output_budget() is less than configured.
void tell_lowered_budget(base::Bytes configured, telemetry::Log& log);

}  // namespace chatgate::service
