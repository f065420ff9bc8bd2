#pragma once

#include <chatgate/config/table.h>
#include <chatgate/service/gateway_config.h>

namespace chatgate::service {

/// Every key of a configuration file: the one place that names them.
///
/// Threads: a constant; from any thread.
const config::Table<GatewayConfig>& schema();

}  // namespace chatgate::service
