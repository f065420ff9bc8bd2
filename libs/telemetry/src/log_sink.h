#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include <spdlog/sinks/sink.h>

#include <chatgate/base/units.h>
#include <chatgate/telemetry/counter.h>

namespace chatgate::telemetry {

/// What the log's thread counts; outlives every sink.
struct SinkCounters {
  Counter written;
  SharedCounter failed;  // Callers count here the lines for which there was no memory.
};

/// One output of the log, open. The lines are whole when they get here.
///
/// Threads: the log's thread alone, but for retire().
/// Errors: a line that cannot be written is counted, and forgotten.
class LogSink : public spdlog::sinks::sink {
 public:
  explicit LogSink(SinkCounters& counters) : counters_{counters} {}

  /// Gives a stopped reader until `deadline`; later lines that would wait for it are lost. Without
  /// this the sink waits for ever, while the queue drops its oldest. Any thread.
  void retire(base::Clock::time_point deadline) noexcept { give_up_at_.store(deadline); }

  void log(const spdlog::details::log_msg& message) final;
  void flush() final {}
  void set_pattern(const std::string&) final {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) final {}

 protected:
  /// Whether all of `payload` was written.
  virtual bool write(std::string_view payload) = 0;

  /// Waits until `fd` takes data; false once the sink has given up.
  bool wait_writable(int fd) const;

 private:
  SinkCounters& counters_;
  std::atomic<base::Clock::time_point> give_up_at_{base::Clock::time_point::max()};
};

/// Writes lines to a descriptor, which it closes if it is told to own it.
class DescriptorSink final : public LogSink {
 public:
  enum class Ownership { Borrowed, Owned };

  DescriptorSink(int fd, Ownership ownership, SinkCounters& counters)
      : LogSink{counters}, fd_{fd}, ownership_{ownership} {}
  ~DescriptorSink() override;
  DescriptorSink(const DescriptorSink&) = delete;
  DescriptorSink& operator=(const DescriptorSink&) = delete;

 private:
  bool write(std::string_view payload) override;
  std::size_t write_some(std::string_view bytes) const;

  const int fd_;
  const Ownership ownership_;
  bool line_torn_ = false;  // The last line lacks its end.
};

/// Sends events, made with Envelope::Journal, to journald with all their fields.
class JournalSink final : public LogSink {
 public:
  /// Takes a datagram socket that is connected to the journal; it only tells when there is room.
  JournalSink(int journal_fd, SinkCounters& counters)
      : LogSink{counters}, journal_fd_{journal_fd} {}
  ~JournalSink() override;
  JournalSink(const JournalSink&) = delete;
  JournalSink& operator=(const JournalSink&) = delete;

 private:
  bool write(std::string_view payload) override;

  const int journal_fd_;
};

}  // namespace chatgate::telemetry
