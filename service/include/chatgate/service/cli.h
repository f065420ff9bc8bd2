#pragma once

namespace chatgate::service {

/// Exit codes of the program (sysexits.h where there is a name).
inline constexpr int kExitDone = 0;
inline constexpr int kExitUnhealthy = 1;  // `probe`, `bench` and `ctl` only.
inline constexpr int kExitUsage = 2;
inline constexpr int kExitCannotStart = 71;  // EX_OSERR: an address, a descriptor or a thread.
inline constexpr int kExitBadConfig = 78;    // EX_CONFIG

/// The program: understands the command line, does what it says, returns the exit code.
int run_command_line(int argc, const char* const* argv);

}  // namespace chatgate::service
