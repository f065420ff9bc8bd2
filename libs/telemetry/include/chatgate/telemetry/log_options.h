#pragma once

#include <cstdint>
#include <string>

namespace chatgate::telemetry {

enum class LogLevel : std::uint8_t { Trace, Debug, Info, Warn, Error };
enum class LogFormat : std::uint8_t { Text, Json };

/// Where the log goes and how its lines look.
struct LogOptions {
  LogLevel level = LogLevel::Info;
  LogFormat format = LogFormat::Text;
  std::string output = "stderr";  // stderr | stdout | journald | file:/path

  friend bool operator==(const LogOptions&, const LogOptions&) = default;
};

/// Whether standard error is a stream of the journal (JOURNAL_STREAM, systemd.exec(5)), which takes
/// the priority of a line from its start: `<3>` (sd-daemon(3)).
bool stderr_is_journal();

}  // namespace chatgate::telemetry
