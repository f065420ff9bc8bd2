#pragma once

#include "log_line.h"
#include "log_sink.h"

#include <memory>
#include <string>

#include <chatgate/base/expected.h>

namespace chatgate::telemetry {

/// The prefix of LogOptions::output that names a file.
inline constexpr std::string_view kFilePrefix = "file:";

/// An open output, and how it wants its events.
struct LogOutput {
  std::shared_ptr<LogSink> sink;
  Envelope envelope;
};

/// Opens `stderr`, `stdout`, `journald` or `file:/path`, or tells why not.
base::Expected<LogOutput, std::string> open_output(const std::string& output, SinkContext& context);

/// Standard error, which always opens.
LogOutput open_stderr(SinkContext& context);

}  // namespace chatgate::telemetry
