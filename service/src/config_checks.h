#pragma once

#include <chatgate/config/reading.h>
#include <chatgate/service/gateway_config.h>

namespace chatgate::service {

/// Adds to `reading` what is wrong between values that are fine alone. `name` stands for the file.
/// Says nothing about values that are broken already.
void check_across(const GatewayConfig& config, const std::string& name, config::Reading& reading);

}  // namespace chatgate::service
