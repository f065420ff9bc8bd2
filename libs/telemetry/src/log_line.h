#pragma once

#include <chrono>
#include <span>
#include <string_view>

#include <fmt/format.h>

#include <chatgate/telemetry/field.h>
#include <chatgate/telemetry/log_options.h>

namespace chatgate::telemetry {

/// Holds an ordinary line without an allocation.
using LineBuffer = fmt::basic_memory_buffer<char, 1024>;

/// One event on its way to a line.
struct LogEvent {
  LogLevel level;
  std::string_view name;
  std::span<const Field> fields;
};

/// How an output wants its events.
enum class Envelope : std::uint8_t {
  Timed,        // The time, the line, a newline: a file, a terminal, a pipe.
  Prioritised,  // `<6>` and no time: a stream that ends in the journal, sd-daemon(3).
  Journal,      // Fields of the native protocol, as `take_journal_field` reads them.
};

/// Appends `event` as its output wants it; `time` is since 1970.
void append_event(LineBuffer& out, const LogEvent& event, LogFormat format, Envelope envelope,
                  std::chrono::microseconds time);

/// Appends printable_text(text).
void append_printable(LineBuffer& out, std::string_view text);

/// The same, to stand between double quotes: a quote and a backslash get a backslash, so that no
/// two texts look alike.
void append_escaped(LineBuffer& out, std::string_view text);

/// Takes the first `KEY=value` off what append_event made for the journal.
std::string_view take_journal_field(std::string_view& encoded);

}  // namespace chatgate::telemetry
