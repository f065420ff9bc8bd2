#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <spdlog/sinks/sink.h>

#include <chatgate/base/units.h>
#include <chatgate/telemetry/counter.h>

namespace chatgate::telemetry {

/// What the log's thread counts, and sees of its queue; outlives every sink.
struct SinkContext {
  SharedCounter written;
  SharedCounter failed;  // Callers count here the lines for which there was no memory.
  std::function<bool()> has_more = [] { return false; };  // Lines wait in the queue.
};

/// One output of the log, open. The lines are whole when they get here.
///
/// After the queue's last line the log's thread rests for a moment: while it does, a new line wakes
/// nobody, and the lines of that moment leave together. Under load a line so costs neither its
/// writer nor the log's thread a system call of its own.
///
/// Threads: the log's thread alone, but for retire(), and for the destructor: it writes what waits
///   on the thread that lets go of the sink last.
/// Errors: a line that cannot be written is counted, and forgotten.
class LogSink : public spdlog::sinks::sink {
 public:
  /// The most that a line waits for others.
  static constexpr std::chrono::milliseconds kRest{20};

  explicit LogSink(SinkContext& context) : context_{context} {}

  /// Gives a stopped reader until `deadline`; later lines that would wait for it are lost. Without
  /// this the sink waits for ever, while the queue drops its oldest. Any thread.
  void retire(base::Clock::time_point deadline) noexcept { give_up_at_.store(deadline); }

  /// Waits until the reader has what was written, if it matters to the reader who wrote it; not
  /// beyond the deadline of retire(), which comes first. For the end of the program.
  virtual void wait_until_read() const noexcept {}

  void log(const spdlog::details::log_msg& message) final;
  void flush() final {}
  void set_pattern(const std::string&) final {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) final {}

 protected:
  /// Takes one line; unless `may_wait`, it and all lines taken before are to be written now.
  virtual void take(std::string_view line, bool may_wait) = 0;

  void count(std::uint64_t written, std::uint64_t failed) noexcept;

  /// Waits until `fd` takes data; false once the sink has given up.
  bool wait_writable(int fd) const;

  bool has_given_up() const noexcept { return base::Clock::now() >= give_up_at_.load(); }

 private:
  bool is_retired() const noexcept { return give_up_at_.load() != base::Clock::time_point::max(); }

  SinkContext& context_;
  std::atomic<base::Clock::time_point> give_up_at_{base::Clock::time_point::max()};
};

/// Writes lines to a descriptor, which it closes if it is told to own it.
class DescriptorSink final : public LogSink {
 public:
  enum class Ownership { Borrowed, Owned };

  /// So much is written at once at most; what waits here is not lost when the queue overflows.
  static constexpr std::size_t kBatchBytes = std::size_t{16} * 1024;

  DescriptorSink(int fd, Ownership ownership, SinkContext& context);
  ~DescriptorSink() override;
  DescriptorSink(const DescriptorSink&) = delete;
  DescriptorSink& operator=(const DescriptorSink&) = delete;

 private:
  void take(std::string_view line, bool may_wait) override;
  void write_batch();
  std::size_t write_some(std::string_view bytes) const;

  const int fd_;
  const Ownership ownership_;
  const bool is_file_;  // It never makes its writer wait.
  std::string batch_;
  std::uint64_t lines_ = 0;  // In the batch.
  bool line_torn_ = false;   // The last line lacks its end.
};

/// Sends events, made with Envelope::Journal, to journald with all their fields.
class JournalSink final : public LogSink {
 public:
  /// Takes a datagram socket that is connected to the journal. It carries no line: it tells when
  /// there is room, and when all is read.
  JournalSink(int journal_fd, SinkContext& context) : LogSink{context}, journal_fd_{journal_fd} {}
  ~JournalSink() override;
  JournalSink(const JournalSink&) = delete;
  JournalSink& operator=(const JournalSink&) = delete;

  /// journald looks in /proc for the unit of a line's sender when it reads the line: by then a
  /// process that could not start may be gone, and `journalctl -u` would not show why.
  void wait_until_read() const noexcept override;

 private:
  void take(std::string_view line, bool may_wait) override;
  bool send(std::string_view event) const;

  const int journal_fd_;
};

}  // namespace chatgate::telemetry
