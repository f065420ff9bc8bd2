#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include <chatgate/base/assert.h>
#include <chatgate/session/plain_lines.h>
#include <chatgate/session/session.h>
#include <chatgate/session/worker.h>

namespace chatgate::session {
namespace {

constexpr std::uint32_t kTicksPerSecond = 10;

// A table for so many is not worth giving back.
constexpr std::size_t kSessionsKept = 1024;

// Hurried at a time: less than a millisecond, in which nobody is served.
constexpr std::size_t kHurriedAtOnce = 4096;

}  // namespace

WorkerListener::WorkerListener(std::shared_ptr<const ListenerProfile> first,
                               std::string_view its_name, SessionCounters& its_counters)
    : name{its_name}, counters{its_counters} {
  set_profile(std::move(first));
}

void WorkerListener::set_profile(std::shared_ptr<const ListenerProfile> next) {
  profile = std::move(next);
  ++generation;
  takes_plain_lines = answers_plain_lines(*profile);
}

Worker::Worker(std::uint32_t index, WorkerContext context)
    : index_{index},
      context_{std::move(context)},
      loop_delay_{kLoopDelayBounds},
      random_{std::random_device{}()},
      loop_{fmt::format("worker-{}", index), [this](auto lateness) { on_tick(lateness); }} {}

Worker::~Worker() {
  loop_.run([this] {
    welcome_arrivals();
    // Each ends on the spot: it waits on its connection, and an abrupt end waits for nobody.
    for (auto* session : std::vector{sessions_}) session->end(EndReason::DrainForced);
    CHATGATE_ASSERT(sessions_.empty());
  });
}

void Worker::hand_over(std::vector<Arrival>& arrivals) {
  if (arrivals.empty()) return;
  load_.fetch_add(static_cast<std::uint32_t>(arrivals.size()), std::memory_order_relaxed);
  bool is_first = false;
  {
    const base::MutexLock lock{inbox_mutex_};
    is_first = inbox_.empty();
    std::move(arrivals.begin(), arrivals.end(), std::back_inserter(inbox_));
  }
  arrivals.clear();
  if (is_first) loop_.post([this] { welcome_arrivals(); });
}

void Worker::welcome_arrivals() {
  {
    const base::MutexLock lock{inbox_mutex_};
    arrivals_.swap(inbox_);
  }
  for (auto& arrival : arrivals_) Session::serve(*this, arrival);
  arrivals_.clear();
}

void Worker::set_profile(std::shared_ptr<const ListenerProfile> profile) {
  loop_.post([this, profile = std::move(profile)]() mutable {
    auto& listener = listeners_[profile->id];
    if (listener) return listener->set_profile(std::move(profile));
    auto& counters = context_.metrics.listener(profile->name);
    listener = std::make_unique<WorkerListener>(std::move(profile), counters.name,
                                                counters.of_worker(index_));
  });
}

void Worker::forget_listener(base::ListenerId id) {
  loop_.post([this, id] {
    const auto found = listeners_.find(id);
    if (found != listeners_.end() && found->second->sessions == 0) listeners_.erase(found);
  });
}

WorkerListener& Worker::listener(base::ListenerId id) {
  const auto found = listeners_.find(id);
  CHATGATE_ASSERT(found != listeners_.end());
  return *found->second;
}

void Worker::enlist(Session& session, WorkerListener& listener) {
  session.table_index = static_cast<std::uint32_t>(sessions_.size());
  sessions_.push_back(&session);
  accepted_at_.push_back(session.record().accepted_at);
  ++listener.sessions;
}

void Worker::strike(Session& session, WorkerListener& listener) noexcept {
  CHATGATE_ASSERT(sessions_[session.table_index] == &session);
  sessions_[session.table_index] = sessions_.back();
  sessions_[session.table_index]->table_index = session.table_index;
  sessions_.pop_back();
  accepted_at_[session.table_index] = accepted_at_.back();
  accepted_at_.pop_back();
  if (sessions_.capacity() > kSessionsKept && sessions_.size() < sessions_.capacity() / 4) {
    sessions_.shrink_to_fit();
    accepted_at_.shrink_to_fit();
  }
  --listener.sessions;
  load_.fetch_sub(1, std::memory_order_relaxed);
}

std::vector<Session*> Worker::sessions_of(const std::vector<base::ListenerId>& listeners) const {
  std::vector<Session*> found;
  std::copy_if(sessions_.begin(), sessions_.end(), std::back_inserter(found), [&](auto* session) {
    return std::find(listeners.begin(), listeners.end(), session->record().listener) !=
           listeners.end();
  });
  return found;
}

void Worker::set_overload(admission::OverloadLevel level) {
  loop_.post([this, level] {
    const bool is_stricter = level > std::exchange(overload_, level);
    // A deadline that moves away needs nothing: its timer fires in vain.
    if (is_stricter) hurry_sessions(sessions_.size());
  });
}

// From the end of the table to its beginning: who leaves meanwhile has the last one, who was there,
// put into its place, and who comes has the new time-outs from the start.
void Worker::hurry_sessions(std::size_t end) {
  end = std::min(end, sessions_.size());
  const auto begin = end > kHurriedAtOnce ? end - kHurriedAtOnce : 0;
  for (auto i = begin; i < end; ++i) sessions_[i]->hurry();
  if (begin > 0) loop_.post([this, begin] { hurry_sessions(begin); });
}

void Worker::announce(std::string notice, std::vector<base::ListenerId> listeners) {
  loop_.post([this, notice = std::move(notice), listeners = std::move(listeners)] {
    for (auto* session : sessions_of(listeners)) session->say(notice);
  });
}

void Worker::close_spread(std::chrono::nanoseconds spread,
                          std::vector<base::ListenerId> listeners) {
  loop_.post([this, spread, listeners = std::move(listeners)] {
    end_spread(sessions_of(listeners), spread);
  });
}

// Evenly over the spread, each at a random moment of its own part of it.
void Worker::end_spread(std::vector<Session*> sessions, std::chrono::nanoseconds spread) {
  std::shuffle(sessions.begin(), sessions.end(), random_);
  std::stable_partition(sessions.begin(), sessions.end(),
                        [](auto* session) { return session->is_idle(); });
  const auto now = base::Clock::now();
  std::uniform_real_distribution<double> jitter{0, 1};
  for (std::size_t i = 0; i < sessions.size(); ++i) {
    const double part =
        (static_cast<double>(i) + jitter(random_)) / static_cast<double>(sessions.size());
    const auto after = std::chrono::nanoseconds{
        static_cast<std::int64_t>(part * static_cast<double>(spread.count()))};
    if (spread.count() == 0) {
      sessions[i]->end(EndReason::Drain);
    } else {
      sessions[i]->end_at(EndReason::Drain, now + after);
    }
  }
}

void Worker::abort_all(std::vector<base::ListenerId> listeners) {
  loop_.post([this, listeners = std::move(listeners)] {
    for (auto* session : sessions_of(listeners)) session->end(EndReason::DrainForced);
  });
}

void Worker::close_session(base::SessionId id, bool abort, std::function<void(bool)> found) {
  loop_.post([this, id, abort, found = std::move(found)] {
    const auto session = std::find_if(sessions_.begin(), sessions_.end(),
                                      [&](auto* open) { return open->record().id == id; });
    const bool is_here = session != sessions_.end();
    if (is_here) (*session)->end(EndReason::AdminKill, abort);
    found(is_here);
  });
}

void Worker::list_sessions(std::function<void(std::vector<OpenSession>)> done) {
  loop_.post([this, done = std::move(done)] {
    std::vector<OpenSession> open;
    open.reserve(sessions_.size());
    for (const auto* session : sessions_) open.push_back(session->describe());
    done(std::move(open));
  });
}

void Worker::count_ages(std::function<void(telemetry::HistogramCounts)> done) {
  loop_.post([this, done = std::move(done)] {
    const auto now = base::Clock::now();
    telemetry::Histogram<kAgeBounds.size()> ages{kAgeBounds};
    for (const auto accepted_at : accepted_at_) {
      ages.observe(static_cast<std::uint64_t>((now - accepted_at).count()));
    }
    telemetry::HistogramCounts counts;
    ages.add_to(counts);
    done(std::move(counts));
  });
}

void Worker::begin_handshake(Session& session, std::size_t max) {
  handshakes_.push_back(&session);
  handshake_count_.add(1);
  // Resumes others, which nobody is in the middle of: a handshake begins between two turns.
  evict_handshakes(max);
}

void Worker::end_handshake(Session& session) noexcept {
  if (std::erase(handshakes_, &session) > 0) handshake_count_.add(-1);
}

void Worker::evict_handshakes(std::size_t max) {
  while (handshakes_.size() > max) {
    auto& oldest = *handshakes_.front();
    end_handshake(oldest);
    oldest.end(EndReason::TlsTimeout);
  }
}

void Worker::account_queued(std::ptrdiff_t change, base::Bytes budget) {
  queued_bytes_.add(change);
  const bool is_over = queued_bytes_.value() > static_cast<std::int64_t>(budget.count);
  if (!is_over || is_evicting_) return;
  is_evicting_ = true;
  // Later, because now another session may be in the middle of an answer.
  loop_.post([this, budget] { evict_largest(budget); });
}

void Worker::evict_largest(base::Bytes budget) {
  is_evicting_ = false;
  if (queued_bytes_.value() <= static_cast<std::int64_t>(budget.count)) return;
  const auto largest = std::max_element(
      sessions_.begin(), sessions_.end(),
      [](const auto* a, const auto* b) { return a->queued_bytes() < b->queued_bytes(); });
  evicted_.add();
  (*largest)->end(EndReason::SlowHard);
  account_queued(0, budget);
}

void Worker::on_tick(base::Clock::duration lateness) {
  loop_delay_.observe(static_cast<std::uint64_t>(std::max<base::Clock::rep>(lateness.count(), 0)));
  if (++ticks_ % kTicksPerSecond != 0) return;
  const auto cpu_time = loop_.cpu_time();
  const std::chrono::duration<double> busy = cpu_time - std::exchange(cpu_time_, cpu_time);
  busy_ratio_.store(std::min(busy.count(), 1.0), std::memory_order_relaxed);
}

}  // namespace chatgate::session
