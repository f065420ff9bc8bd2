#pragma once

#include <string>

namespace chatgate::service {

/// Runs a gateway until it has drained or is told to stop. SIGTERM and SIGINT drain (a second one
/// hurries), SIGHUP reloads and opens log files anew, SIGQUIT stops now.
///
/// Threads: the main thread, before any other exists: it blocks these signals for all of them.
/// Returns the exit code (cli.h).
int run_gateway(const std::string& config_file);

}  // namespace chatgate::service
