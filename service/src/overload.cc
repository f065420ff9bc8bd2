#include <algorithm>
#include <utility>

#include <chatgate/service/memory_budget.h>
#include <chatgate/service/overload.h>

namespace chatgate::service {
namespace {

using admission::Mode;
using admission::OverloadLevel;

// A cgroup's limit may be changed while we run; every minute is soon enough.
constexpr std::uint32_t kLooksPerLimit = 600;

// Below this share of the budget it need not be known exactly how much of it is in use.
constexpr double kExactFrom = 0.5;

double share(std::size_t part, std::size_t all) noexcept {
  return static_cast<double>(part) / static_cast<double>(std::max<std::size_t>(all, 1));
}

}  // namespace

void Overload::apply(const OverloadConfig& config, const LimitsConfig& limits) {
  config_ = config;
  is_limited_ = limits.admission.mode == Mode::Enforce;
  counts_places_ = is_limited_ && limits.over_limit != OverLimit::Backlog;
}

void Overload::look(base::Clock::time_point now) {
  if (looks_++ % kLooksPerLimit == 0) meter_.find_limit();
  const double memory = memory_share();
  const bool is_full = admission_.was_full() && is_limited_;
  if (config_.mode == Mode::Off) {
    watch_.reset();
  } else {
    watch_.look({.at = now,
                 .is_full = is_full,
                 .places = is_limited_ ? share(admission_.open(), admission_.limit()) : 0,
                 .memory = memory},
                config_.timeouts.first_message);
  }
  enforce(watch_.state(), memory);
  tell(watch_.state(), now);
}

bool Overload::force(base::Clock::time_point now) {
  if (config_.mode == Mode::Off) return false;
  watch_.force();
  look(now);
  return true;
}

bool Overload::release(base::Clock::time_point now) {
  if (!watch_.release()) return false;
  look(now);
  return true;
}

Overload::View Overload::view() const noexcept {
  View view{.level = level_, .memory_used = {memory_used_}, .memory_budget = {memory_budget_}};
  if (view.level != OverloadLevel::None) view.cause = cause_;
  return view;
}

double Overload::memory_share() {
  const auto budget = memory_budget(meter_.limit(), config_.memory);
  const auto exact_from = static_cast<std::size_t>(kExactFrom * static_cast<double>(budget.count));
  const auto used = meter_.used({exact_from});
  memory_budget_ = budget.count;
  memory_used_ = used.count;
  return share(used.count, budget.count);
}

void Overload::enforce(const admission::OverloadWatch::State& state, double memory_share) {
  admission_.set_pressure({.mode = config_.mode,
                           .is_overloaded = state.level != OverloadLevel::None,
                           .counts_places = counts_places_,
                           .memory = memory_share});
  const auto level = config_.mode == Mode::Enforce ? state.level : OverloadLevel::None;
  if (level == std::exchange(ordered_, level)) return;
  for (const auto& worker : workers_) worker->set_overload(level);
}

void Overload::tell(const admission::OverloadWatch::State& state, base::Clock::time_point now) {
  cause_ = state.cause;
  level_ = state.level;
  const auto told = std::exchange(told_, state.level);
  if (state.level == told) return;
  if (told == OverloadLevel::None) began_at_ = now;
  if (state.level == OverloadLevel::None) {
    return log_.info("overload_ended", {{"lasted", now - began_at_}});
  }
  const bool is_new = state.level == OverloadLevel::Newcomers;
  log_.warn(is_new ? "overload_began" : "overload_lasts",
            {{"cause", word(state.cause)},
             {"mode", config_.mode == Mode::Observe ? "observe" : "enforce"},
             {"connections", admission_.open()},
             {"limit", admission_.limit()},
             {"memory_used", base::to_text(base::Bytes{memory_used_})},
             {"memory_budget", base::to_text(base::Bytes{memory_budget_})}});
}

}  // namespace chatgate::service
