#include "crew.h"

#include <optional>

#include <sys/prctl.h>

namespace chatgate::bench {
namespace {

using namespace std::chrono_literals;

constexpr auto kWatchInterval = 200ms;

template <class Number>
Number part_of(Number whole, unsigned index, unsigned parts) {
  return whole / parts + (index < whole % parts ? 1 : 0);
}

}  // namespace

std::vector<Share> split(const Options& options) {
  std::vector<Share> shares(options.threads);
  std::size_t first = 0;
  for (unsigned i = 0; i < options.threads; ++i) {
    auto& share = shares[i];
    share.first = first;
    share.connections = part_of(options.connections, i, options.threads);
    share.idle_connections = part_of(options.idle_connections, i, options.threads);
    first += share.connections + share.idle_connections;
    share.operations = part_of(options.operations, i, options.threads);
    share.warmup = part_of(options.warmup, i, options.threads);
    // By connections, so that each connection has the same rate.
    share.rate = options.rate * static_cast<double>(share.connections) /
                 static_cast<double>(options.connections);
    if (options.rate > 0) {
      share.offset = std::chrono::nanoseconds{static_cast<std::int64_t>(i * 1e9 / options.rate)};
    }
  }
  return shares;
}

Crew::Crew(const Options& options, const Route& route, const std::atomic<bool>& stop)
    : options_{options}, route_{route}, stop_{stop} {
  for (const auto& share : split(options)) {
    auto& member = *members_.emplace_back(std::make_unique<Member>());
    member.share = share;
    member.thread = std::thread{[this, &member] { serve(member); }};
  }
}

Crew::~Crew() {
  step_ = nullptr;
  for (auto& member : members_) {
    member->go.release();
    member->thread.join();
  }
}

void Crew::serve(Member& member) {
  // The kernel may delay a thread's timers by 50 us to save power, which would be latency.
  ::prctl(PR_SET_TIMERSLACK, 1);
  std::optional<ClientLoop> loop;
  for (member.go.acquire(); step_ != nullptr; member.go.acquire()) {
    try {
      if (!loop) loop.emplace(options_, member.share, route_, member.tally, stop_);
      member.engine = loop->engine();
      (*step_)(*loop, member.share);
    } catch (...) {
      member.failure = std::current_exception();
    }
    done_.release();
  }
}

void Crew::take(const Step& step, const std::function<void()>& tick) {
  step_ = &step;
  for (auto& member : members_) member->go.release();
  for (std::size_t left = members_.size(); left > 0;) {
    if (done_.try_acquire_for(kWatchInterval)) {
      --left;
    } else {
      tick();
    }
  }
  for (const auto& member : members_) {
    if (member->failure) std::rethrow_exception(member->failure);
  }
}

std::vector<const Tally*> Crew::tallies() const {
  std::vector<const Tally*> tallies;
  for (const auto& member : members_) tallies.push_back(&member->tally);
  return tallies;
}

EngineKind Crew::engine() const { return members_.front()->engine; }

void Crew::start_measuring() {
  for (auto& member : members_) member->tally.start_measuring();
}

}  // namespace chatgate::bench
