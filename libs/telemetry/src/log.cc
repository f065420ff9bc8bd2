#include "event_limiter.h"
#include "log_output.h"

#include <array>
#include <exception>
#include <utility>

#include <pthread.h>
#include <signal.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>

#include <chatgate/base/mutex.h>
#include <chatgate/telemetry/log.h>

namespace chatgate::telemetry {
namespace {

constexpr std::size_t kQueueLinesMax = 8192;

// What a reader that has stopped is given when its output is left.
constexpr auto kPatience = std::chrono::seconds{1};

void start_log_thread() {
  ::pthread_setname_np(::pthread_self(), "log");
  // Signals belong to the main thread; and a pipe whose reader is gone must give EPIPE, not
  // SIGPIPE.
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

std::chrono::microseconds time_since_1970() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::system_clock::now().time_since_epoch());
}

// No memory for a line: a worker must survive that, and a metric tells it.
template <class Action>
void survive(SharedCounter& failed, const Action& action) noexcept {
  try {
    action();
  } catch (const std::exception&) {
    failed.add();
  }
}

void tell(Log& log, const std::vector<Suppressed>& suppressed) {
  for (const auto& [level, event, key, count] : suppressed) {
    const std::array fields{Field{"suppressed", count}, Field{"key", key}};
    log.write(level, event, std::span{fields}.first(key.empty() ? 1 : 2));
  }
}

}  // namespace

struct Log::State {
  State() {
    context.has_more = [queue = pool.get()] { return queue->queue_size() > 0; };
  }

  // The way of a line, immutable: a writer keeps the one it began with. The queue holds its logger,
  // so that lines queued for an output reach it after another has taken its place.
  struct Route {
    std::shared_ptr<spdlog::async_logger> logger;
    std::shared_ptr<LogSink> sink;
    LogFormat format;
    Envelope envelope;
  };

  std::shared_ptr<const Route> make_route(LogOutput output, LogFormat format) const {
    auto logger = std::make_shared<spdlog::async_logger>(
        "", output.sink, pool, spdlog::async_overflow_policy::overrun_oldest);
    return std::make_shared<const Route>(
        Route{std::move(logger), std::move(output.sink), format, output.envelope});
  }

  // Returns the route that was in use.
  std::shared_ptr<const Route> take(const LogOptions& new_options,
                                    std::shared_ptr<const Route> new_route)
      CHATGATE_REQUIRES(mutex) {
    options = new_options;
    return std::exchange(route, std::move(new_route));
  }

  std::shared_ptr<const Route> current_route() {
    const base::MutexLock lock{mutex};
    return route;
  }

  SinkContext context;  // Before the pool, whose queue owns sinks that count here.
  SharedCounter suppressed;
  std::shared_ptr<spdlog::details::thread_pool> pool =
      std::make_shared<spdlog::details::thread_pool>(kQueueLinesMax, 1, start_log_thread);

  base::Mutex limiter_mutex;
  EventLimiter limiter CHATGATE_GUARDED_BY(limiter_mutex);

  base::Mutex mutex;
  LogOptions options CHATGATE_GUARDED_BY(mutex);
  std::shared_ptr<const Route> route CHATGATE_GUARDED_BY(mutex) = make_route(open_stderr(context),
                                                                             LogOptions{}.format);
};

Log::Log() : state_{std::make_unique<State>()} {}

Log::~Log() {
  survive(state_->context.failed, [this] {
    std::vector<Suppressed> owed;
    {
      const base::MutexLock lock{state_->limiter_mutex};
      owed = state_->limiter.take_all();
    }
    tell(*this, owed);
  });
  const auto sink = state_->current_route()->sink;
  sink->retire(base::Clock::now() + kPatience);
  state_->pool.reset();  // Writes what is queued.
  sink->wait_until_read();
}

void Log::write(LogLevel level, std::string_view event, std::span<const Field> fields) noexcept {
  if (!enabled(level)) return;
  survive(state_->context.failed, [&] {
    const auto route = state_->current_route();
    LineBuffer line;
    append_event(line, {level, event, fields}, route->format, route->envelope, time_since_1970());
    route->logger->log(spdlog::level::info, spdlog::string_view_t{line.data(), line.size()});
  });
}

void Log::write_limited(LogLevel level, std::string_view event, std::span<const Field> fields,
                        std::string_view key) noexcept {
  if (!enabled(level)) return;
  survive(state_->context.failed, [&] {
    const auto now = base::Clock::now();
    std::vector<Suppressed> due;
    bool admitted = false;
    {
      const base::MutexLock lock{state_->limiter_mutex};
      admitted = state_->limiter.admit(level, event, key, now);
      if (admitted) due = state_->limiter.take_due(now);
    }
    if (!admitted) return state_->suppressed.add();
    tell(*this, due);
    write(level, event, fields);
  });
}

void Log::flush_suppressed() noexcept {
  survive(state_->context.failed, [this] {
    std::vector<Suppressed> due;
    {
      const base::MutexLock lock{state_->limiter_mutex};
      due = state_->limiter.take_due(base::Clock::now());
    }
    tell(*this, due);
  });
}

std::optional<std::string> Log::apply(const LogOptions& options) {
  {
    // A change of level must not depend on whether the file could be opened once more.
    const base::MutexLock lock{state_->mutex};
    if (options.output == state_->options.output) {
      auto route = *state_->route;
      route.format = options.format;
      state_->take(options, std::make_shared<const State::Route>(std::move(route)));
      level_.store(options.level, std::memory_order_relaxed);
      return std::nullopt;
    }
  }
  return open(options);
}

std::optional<std::string> Log::reopen() {
  LogOptions options;
  {
    const base::MutexLock lock{state_->mutex};
    options = state_->options;
  }
  if (!options.output.starts_with(kFilePrefix)) return std::nullopt;
  return open(options);
}

std::optional<std::string> Log::open(const LogOptions& options) {
  auto output = open_output(options.output, state_->context);
  if (!output) return output.error();
  auto route = state_->make_route(std::move(*output), options.format);
  {
    const base::MutexLock lock{state_->mutex};
    route = state_->take(options, std::move(route));
    level_.store(options.level, std::memory_order_relaxed);
  }
  route->sink->retire(base::Clock::now() + kPatience);
  return std::nullopt;
}

LogCounts Log::counts() const {
  return {.written = state_->context.written.value(),
          .overrun = state_->pool->overrun_counter(),
          .failed = state_->context.failed.value(),
          .suppressed = state_->suppressed.value()};
}

void Log::write_metrics(MetricWriter& writer) const {
  const auto count = counts();
  const auto as_double = [](std::uint64_t n) { return static_cast<double>(n); };
  writer.counter("chatgate_log_lines_total", "Log lines that reached the output.", {},
                 as_double(count.written));
  for (const auto& [cause, n] :
       {std::pair{"overrun", count.overrun}, std::pair{"write_failed", count.failed}}) {
    writer.counter("chatgate_log_lines_lost_total",
                   "Log lines lost, because the queue was full or the output refused them.",
                   {{"cause", cause}}, as_double(n));
  }
  writer.counter("chatgate_log_events_suppressed_total",
                 "Repeated events that were counted and not written.", {},
                 as_double(count.suppressed));
}

}  // namespace chatgate::telemetry
