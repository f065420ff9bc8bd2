#include <algorithm>
#include <utility>

#include <chatgate/service/farewell.h>

namespace chatgate::service {

Farewell::Farewell(net::EventLoop& control,
                   const std::vector<std::unique_ptr<session::Worker>>& workers,
                   std::vector<base::ListenerId> listeners, DrainOptions options,
                   Clock::time_point deadline, std::function<void(Phase)> on_phase,
                   std::function<void()> on_over)
    : workers_{workers},
      listeners_{std::move(listeners)},
      options_{std::move(options)},
      deadline_{deadline},
      on_phase_{std::move(on_phase)},
      on_over_{std::move(on_over)},
      next_step_{control} {
  give_notice();
}

void Farewell::at(Clock::time_point when, void (Farewell::*step)()) {
  next_step_.set(when, [this, step] { (this->*step)(); });
}

void Farewell::give_notice() {
  on_phase_(Phase::Notice);
  for (const auto& worker : workers_) worker->announce(options_.notice, listeners_);
  at(Clock::now() + options_.grace, &Farewell::begin_spread);
}

void Farewell::begin_spread() {
  on_phase_(Phase::Spread);
  for (const auto& worker : workers_) worker->close_spread(options_.spread, listeners_);
  at(deadline_ - options_.linger, &Farewell::finish);
}

void Farewell::finish() {
  on_phase_(Phase::Deadline);
  for (const auto& worker : workers_) worker->close_spread(std::chrono::nanoseconds{0}, listeners_);
  at(deadline_, &Farewell::abort);
}

void Farewell::abort() {
  for (const auto& worker : workers_) worker->abort_all(listeners_);
  on_over_();
}

void Farewell::hurry() {
  deadline_ = std::min(deadline_, Clock::now() + options_.linger);
  finish();
}

}  // namespace chatgate::service
