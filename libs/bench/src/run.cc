#include "crew.h"

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <system_error>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <time.h>

#include <chatgate/bench/run.h>
#include <chatgate/bench/server_watch.h>
#include <chatgate/net/unique_fd.h>

namespace chatgate::bench {
namespace {

using namespace std::chrono_literals;
using base::Clock;
using std::chrono::nanoseconds;

constexpr auto kSettle = 5s;
constexpr auto kSettleInterval = 100ms;

nanoseconds cpu_of_this_process() {
  ::timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return std::chrono::seconds{time.tv_sec} + nanoseconds{time.tv_nsec};
}

// Throws std::runtime_error: the run cannot start.
void provide_descriptors(const Options& options) {
  constexpr std::size_t kOthers = 64;  // Standard streams, engines, the admin socket, /proc.
  const auto needed = options.connections + options.idle_connections + kOthers;
  ::rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    throw std::system_error{errno, std::generic_category(), "getrlimit"};
  }
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  if (needed > limit.rlim_max) {
    throw std::runtime_error{
        fmt::format("{} connections need {} descriptors, and the hard limit is {} (ulimit -Hn)",
                    options.connections + options.idle_connections, needed, limit.rlim_max)};
  }
}

// Of several addresses of a name the first that accepts; nobody waits for a deaf one for long.
bool accepts(const net::RemoteAddress& target) {
  const net::UniqueFd socket{
      ::socket(target.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!socket) return false;
  if (::connect(socket.get(), target.get(), target.length) == 0) return true;
  if (errno != EINPROGRESS) return false;
  ::pollfd entry{socket.get(), POLLOUT, 0};
  int error = ETIMEDOUT;
  ::socklen_t length = sizeof error;
  return ::poll(&entry, 1, 1'000) == 1 &&
         ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error == 0;
}

bool is_loopback(const net::RemoteAddress& target) {
  if (target.address.ss_family != AF_INET) return false;
  const auto* v4 = reinterpret_cast<const ::sockaddr_in*>(&target.address);
  return ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

// Throws std::runtime_error: the run cannot start.
Route find_route(const Options& options) {
  auto found = net::resolve(options.address);
  if (!found) throw std::runtime_error{fmt::format("{}: {}", options.address, found.error())};
  Route route{.target = found->front(),
              .sources = options.sources,
              .brief = options.mode == Mode::Connection,
              .no_delay = options.window > 1};
  if (found->size() > 1) {
    const auto heard = std::find_if(found->begin(), found->end(), accepts);
    if (heard != found->end()) route.target = *heard;
  }
  if (options.sources > 1 && !is_loopback(route.target)) {
    throw std::runtime_error{"--sources: only for an address within 127.0.0.0/8"};
  }
  return route;
}

std::unique_ptr<ServerWatch> make_watch(const Options& options) {
  if (options.server_pid) return watch_process(*options.server_pid);
  if (options.admin_address) return watch_admin(*options.admin_address);
  return nullptr;
}

/// One run: its parts in their order, and what is read between them.
class Run {
 public:
  Run(const Options& options, const std::atomic<bool>& stop,
      const std::function<void(const Progress&)>& watch)
      : options_{options},
        stop_{stop},
        watch_{watch},
        route_{find_route(options)},
        server_{make_watch(options)},
        before_{sample()},
        crew_{options, route_, stop} {
    if (server_ && !before_) {
      throw std::runtime_error{options.server_pid
                                   ? fmt::format("--server-pid: no process {}", server_->pid())
                                   : fmt::format("--admin: no metrics at {}", server_->source())};
    }
  }

  Result operator()();

 private:
  void take(const char* part, const Crew::Step& step);
  void measure(const char* part, const Crew::Step& step);
  void tell(const char* part) const;
  void settle();
  std::optional<Usage> sample() const { return server_ ? server_->sample() : std::nullopt; }
  void tell_cost();

  const Options& options_;
  const std::atomic<bool>& stop_;
  const std::function<void(const Progress&)>& watch_;
  const Route route_;
  const std::unique_ptr<ServerWatch> server_;
  const std::optional<Usage> before_;
  std::optional<Usage> measured_from_;
  std::optional<Usage> measured_to_;
  std::optional<Usage> held_;
  std::optional<Usage> after_;
  Clock::time_point part_started_;
  Crew crew_;
  Result result_;
};

void Run::tell(const char* part) const {
  Progress progress{.part = part, .elapsed = Clock::now() - part_started_};
  LatencyHistogram latency;
  for (const auto* tally : crew_.tallies()) {
    progress.operations += tally->completed();
    progress.greeted += tally->greeted();
    progress.errors += tally->errors() + tally->refused();
    latency.add(tally->latency());
  }
  progress.p99 = latency.quantile(0.99);
  watch_(progress);
}

void Run::take(const char* part, const Crew::Step& step) {
  part_started_ = Clock::now();
  crew_.take(step, [this, part] { tell(part); });
}

void Run::measure(const char* part, const Crew::Step& step) {
  crew_.start_measuring();
  measured_from_ = sample();
  const auto cpu = cpu_of_this_process();
  const auto started = Clock::now();
  take(part, step);
  result_.elapsed = Clock::now() - started;
  result_.client_cpu = cpu_of_this_process() - cpu;
  measured_to_ = sample();
}

Result Run::operator()() {
  const auto open = [](ClientLoop& loop, const Share&) { loop.open_all(); };
  if (options_.mode == Mode::Idle) {
    measure("opening", open);
    take("holding", [this](ClientLoop& loop, const Share&) { loop.hold(options_.hold); });
    held_ = sample();
  } else {
    take("opening", open);
    if (options_.warmup > 0) {
      take("warm-up", [](ClientLoop& loop, const Share& share) {
        loop.work({.operations = share.warmup, .duration = {}});
      });
    }
    measure("measuring", [this](ClientLoop& loop, const Share& share) {
      loop.work({.operations = share.operations, .duration = options_.duration});
    });
    held_ = measured_to_;
  }
  take("closing", [](ClientLoop& loop, const Share&) { loop.close_all(); });
  settle();
  tell_cost();
  result_.engine = crew_.engine();
  result_.interrupted = stop_;
  for (const auto* tally : crew_.tallies()) tally->add_to(result_);
  return std::move(result_);
}

// A server notices at its own pace that its clients are gone, and frees memory later still.
void Run::settle() {
  after_ = sample();
  if (!after_ || !before_) return;
  const auto enough = before_->anonymous_bytes + before_->anonymous_bytes / 20;
  const auto end = Clock::now() + (options_.mode == Mode::Idle ? kSettle : 0s);
  part_started_ = Clock::now();
  while (after_ && after_->anonymous_bytes > enough && Clock::now() < end && !stop_) {
    ::poll(nullptr, 0, static_cast<int>(std::chrono::milliseconds{kSettleInterval}.count()));
    tell("settling");
    after_ = sample();
  }
}

void Run::tell_cost() {
  if (!measured_from_ || !measured_to_ || !held_ || !after_) return;
  ServerCost cost{.pid = server_->pid(), .source = server_->source()};
  cost.cpu = measured_to_->cpu - measured_from_->cpu;
  if (measured_to_->user && measured_from_->user) {
    // The clock is exact and the ticks are not: they tell the proportion.
    const auto user = static_cast<double>((*measured_to_->user - *measured_from_->user).count());
    const auto system =
        static_cast<double>((*measured_to_->system - *measured_from_->system).count());
    const auto share = user + system > 0 ? user / (user + system) : 0;
    cost.user =
        nanoseconds{static_cast<std::int64_t>(static_cast<double>(cost.cpu.count()) * share)};
    cost.system = cost.cpu - *cost.user;
  }
  if (options_.mode == Mode::Idle) cost.hold_cpu = held_->cpu - measured_to_->cpu;
  cost.anonymous_before = before_->anonymous_bytes;
  cost.anonymous_during = held_->anonymous_bytes;
  cost.anonymous_after = after_->anonymous_bytes;
  result_.server = cost;
}

}  // namespace

base::Expected<Result, std::string> run(const Options& options, const std::atomic<bool>& stop,
                                        const std::function<void(const Progress&)>& watch) {
  try {
    provide_descriptors(options);
    return Run{options, stop, watch}();
  } catch (const std::exception& error) {
    return base::Unexpected{std::string{error.what()}};
  }
}

}  // namespace chatgate::bench
