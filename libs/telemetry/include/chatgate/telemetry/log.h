#pragma once

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <chatgate/telemetry/field.h>
#include <chatgate/telemetry/log_options.h>
#include <chatgate/telemetry/metric_writer.h>

namespace chatgate::telemetry {

/// What became of the log's lines since the start.
struct LogCounts {
  std::uint64_t written = 0;     // Reached the output.
  std::uint64_t overrun = 0;     // The oldest of a full queue, dropped for a newer one.
  std::uint64_t failed = 0;      // The output refused them, or was stopped until we gave up.
  std::uint64_t suppressed = 0;  // Held back by write_limited(), and told by number.
};

/// The program's log: one structured event a line, as text, as JSON, or as fields of the journal.
///
///   2026-11-23T05:06:07.123456Z info event=session_closed id=12 peer=127.0.0.1:5000
///   {"time":"2026-11-23T05:06:07.123456Z","level":"info","event":"session_closed","id":12,…}
///
/// A line is formatted by its caller and written by the log's own thread, with a queue of 8192
/// lines between them. Standard error that is the journal's stream (JOURNAL_STREAM,
/// systemd.exec(5)) gets sd-daemon(3) priorities in place of the time.
///
/// Threads: every member may be called from any thread, apply() and reopen() on one at a time. None
///   waits for the output: with a stopped reader the oldest lines are lost, and counted.
/// Lifetime: the destructor writes what is queued, and waits until the journal has read it; for at
///   most a second when the reader stopped.
/// Errors: an output that fails loses lines, and counts them; only apply() and reopen() report.
/// Cost: some 8000 instructions a line for the caller, none of them waiting; enabled() is a load.
class Log final : public MetricSource {
 public:
  /// Logs to standard error, as LogOptions says by default. Throws std::system_error when there is
  /// no thread to be had.
  Log();
  ~Log() override;
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  /// Whether an event of `level` is written at present.
  bool enabled(LogLevel level) const noexcept {
    return level >= level_.load(std::memory_order_relaxed);
  }

  /// Writes one event, `<noun>_<past>`, with its fields in the order given.
  void write(LogLevel level, std::string_view event, std::span<const Field> fields) noexcept;
  void write(LogLevel level, std::string_view event,
             std::initializer_list<Field> fields = {}) noexcept {
    write(level, event, std::span<const Field>{fields.begin(), fields.size()});
  }

  void debug(std::string_view event, std::initializer_list<Field> fields = {}) noexcept {
    write(LogLevel::Debug, event, fields);
  }
  void info(std::string_view event, std::initializer_list<Field> fields = {}) noexcept {
    write(LogLevel::Info, event, fields);
  }
  void warn(std::string_view event, std::initializer_list<Field> fields = {}) noexcept {
    write(LogLevel::Warn, event, fields);
  }
  void error(std::string_view event, std::initializer_list<Field> fields = {}) noexcept {
    write(LogLevel::Error, event, fields);
  }

  /// Writes an event that clients can cause at will: at most 8 lines in any minute for one `event`
  /// and `key`. The others are counted, and told a minute after the first of them, by the next
  /// such event, by flush_suppressed() or by the destructor: `event=<event> suppressed=<n>`.
  /// Beyond 64 active classes the rest share one, whose number is told as `other_events`.
  void write_limited(LogLevel level, std::string_view event, std::span<const Field> fields,
                     std::string_view key = {}) noexcept;
  void write_limited(LogLevel level, std::string_view event, std::initializer_list<Field> fields,
                     std::string_view key = {}) noexcept {
    write_limited(level, event, std::span<const Field>{fields.begin(), fields.size()}, key);
  }

  /// Tells the numbers that are due; call it now and then, since a flood may end in silence.
  void flush_suppressed() noexcept;

  /// Changes level, format and output, or returns why not and changes nothing. Lines queued before
  /// go where they were meant to go.
  [[nodiscard]] std::optional<std::string> apply(const LogOptions& options);

  /// Opens the file again, which was renamed by a log rotation; no-op for the other outputs.
  /// Returns why it could not, and then keeps the file it has.
  [[nodiscard]] std::optional<std::string> reopen();

  LogCounts counts() const;
  void write_metrics(MetricWriter& writer) const override;

 private:
  struct State;

  std::optional<std::string> open(const LogOptions& options);

  std::atomic<LogLevel> level_{LogOptions{}.level};
  std::unique_ptr<State> state_;
};

}  // namespace chatgate::telemetry
