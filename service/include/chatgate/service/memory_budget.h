#pragma once

#include <chatgate/base/units.h>
#include <chatgate/telemetry/log.h>

namespace chatgate::service {

/// How much memory the gateway may use when `limit` is what there is: all but a tenth, which the
/// kernel needs to go on, or `configured` (`overload.memory`) if that is less and not 0.
base::Bytes memory_budget(base::Bytes limit, base::Bytes configured) noexcept;

/// How many bytes may wait for slow readers: `configured` (`output.budget`), or half of the
/// process's memory_limit() when that is less. A container that is given less memory than the
/// configuration thinks then ends its slowest reader, and is not ended itself by the kernel.
base::Bytes output_budget(base::Bytes configured);

/// Logs it when output_budget() is less than configured.
void tell_lowered_budget(base::Bytes configured, telemetry::Log& log);

}  // namespace chatgate::service
