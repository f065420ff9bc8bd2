#include <algorithm>
#include <random>
#include <utility>

#include <chatgate/admission/access_list.h>
#include <chatgate/admission/admission.h>
#include <chatgate/base/assert.h>

namespace chatgate::admission {

using base::Clock;

namespace {

std::uint64_t random_seed() {
  std::random_device random;
  return std::uint64_t{random()} << 32 | random();
}

}  // namespace

struct Admission::SourcePolicy {
  explicit SourcePolicy(const PerSourceOptions& options)
      : rules{options.mode, options.max, TokenBucket{options.rate, options.burst},
              options.penalties.mode},
        penalties{options.penalties},
        v4_prefix{options.v4_prefix},
        v6_prefix{options.v6_prefix},
        exempt{options.exempt} {}

  SourceKey key_of(const net::IpAddress& source) const {
    const auto prefix = source.family == Family::V4 ? v4_prefix : v6_prefix;
    return {source.masked(prefix).bytes, prefix};
  }

  std::chrono::nanoseconds amount_of(Offence offence) const {
    switch (offence) {
      case Offence::WrongProtocol:
        return penalties.wrong_protocol;
      case Offence::IdleBeforeFirstMessage:
        return penalties.idle_before_first_message;
      case Offence::ProtocolError:
        return penalties.protocol_error;
    }
    CHATGATE_ASSERT(false);
  }

  SourceRules rules;
  PenaltyOptions penalties;
  std::uint8_t v4_prefix;
  std::uint8_t v6_prefix;
  AccessList exempt;
};

Admission::Admission(const LimitOptions& options, Clock::time_point started_at)
    : started_at_{started_at},
      mode_{options.mode},
      total_{options.max_connections},
      early_drop_{random_seed()},
      source_policy_{std::make_shared<const SourcePolicy>(options.per_source)} {}

Admission::~Admission() { CHATGATE_ASSERT(open() == 0); }

void Admission::apply(const LimitOptions& options) {
  auto policy = std::make_shared<const SourcePolicy>(options.per_source);
  {
    base::MutexLock lock{mutex_};
    source_policy_.swap(policy);
  }
  mode_.store(options.mode);
  total_.set_limit(options.max_connections);
  wake_waiting();
}

ListenerSlot& Admission::add_listener(base::ListenerId id, const ListenerLimits& limits) {
  auto listener = std::make_unique<ListenerSlot>(*this, id, limits);
  base::MutexLock lock{mutex_};
  return *listeners_.emplace_back(std::move(listener));
}

void Admission::apply(ListenerSlot& listener, const ListenerLimits& limits) {
  listener.apply(limits);
  wake_waiting();
}

void Admission::remove_listener(ListenerSlot& listener) {
  base::MutexLock lock{mutex_};
  const auto found = std::find_if(listeners_.begin(), listeners_.end(),
                                  [&](const auto& one) { return one.get() == &listener; });
  CHATGATE_ASSERT(found != listeners_.end());
  removed_.push_back(std::move(*found));
  listeners_.erase(found);
  // A ticket's last use of its listener is to give the place back, so none needs these any more.
  std::erase_if(removed_, [](const auto& one) { return one->open() == 0; });
}

base::Expected<Ticket, Refusal> Admission::admit(ListenerSlot& listener,
                                                 const net::IpAddress& source,
                                                 Clock::time_point now) {
  if (!listener.lets_in(source)) return base::Unexpected{Refusal::DenyCidr};

  const auto at_source = ask_source(listener, source, now);
  if (at_source.refusal && at_source.entry == nullptr) {
    return base::Unexpected{*at_source.refusal};
  }
  if (at_source.refusal) count_would_reject(*at_source.refusal);

  const Mode mode = mode_.load();
  const auto at_limits = reserve(listener, mode);
  if (at_limits && mode == Mode::Enforce) {
    if (at_source.entry != nullptr) SourceTable::release(*at_source.entry);
    return base::Unexpected{*at_limits};
  }
  if (at_limits && !at_source.refusal) count_would_reject(*at_limits);
  Ticket ticket{listener, at_source.entry};
  if (early_drop_.is_asleep()) [[likely]]
    return ticket;

  // The place is part of what has to be judged; a ticket that is dropped gives it back.
  const auto at_pressure = early_drop_.judge(total_.taken() - 1, total_.limit());
  if (!at_pressure) return ticket;
  if (at_pressure->is_enforced) return base::Unexpected{at_pressure->refusal};
  if (!at_limits && !at_source.refusal) count_would_reject(at_pressure->refusal);
  return ticket;
}

void Admission::set_on_release(std::function<void()> hook) { on_release_ = std::move(hook); }

void Admission::announce_waiting() noexcept {
  CHATGATE_ASSERT(on_release_ != nullptr);
  waiting_.store(true);
}

bool Admission::has_room(const ListenerSlot& listener) const noexcept {
  return mode_.load() != Mode::Enforce || (listener.slots_.has_room() && total_.has_room());
}

std::uint64_t Admission::would_reject(Refusal reason) const noexcept {
  return would_reject_[static_cast<std::size_t>(reason)].value();
}

std::uint32_t Admission::sources_tracked(Family family) const noexcept {
  CHATGATE_ASSERT(family != Family::None);
  return (family == Family::V4 ? v4_sources_ : v6_sources_).tracked();
}

std::shared_ptr<const Admission::SourcePolicy> Admission::source_policy() const {
  base::MutexLock lock{mutex_};
  return source_policy_;
}

SourceDecision Admission::ask_source(const ListenerSlot& listener, const net::IpAddress& source,
                                     Clock::time_point now) {
  if (source.family == Family::None) return {};
  const auto policy = source_policy();
  if (policy->rules.mode == Mode::Off || policy->exempt.contains(source)) return {};
  if (!listener.needs_proxy_header()) aggregation_.note(source);
  auto rules = policy->rules;
  const bool is_starting = now < started_at_ + policy->penalties.bootwait;
  if (is_starting && rules.penalty_mode == Mode::Enforce) rules.penalty_mode = Mode::Observe;
  const auto decision = sources_of(source.family).admit(policy->key_of(source), rules, now);
  if (decision.table_full) source_table_full_.add();
  return decision;
}

// Returns the limit that is reached, if any. Only Enforce then takes nothing.
std::optional<Refusal> Admission::reserve(ListenerSlot& listener, Mode mode) {
  if (mode != Mode::Enforce) {
    const bool within_listener = listener.slots_.take();
    const bool within_total = total_.take();
    if (mode == Mode::Off || (within_listener && within_total)) return std::nullopt;
    return within_listener ? Refusal::LimitGlobal : Refusal::LimitListener;
  }
  if (!listener.slots_.try_take()) return Refusal::LimitListener;
  if (total_.try_take()) return std::nullopt;
  was_full_.store(true, std::memory_order_relaxed);
  listener.slots_.give_back();
  // Another acceptor may have seen the listener full for this moment, and gone to sleep over it.
  wake_waiting();
  return Refusal::LimitGlobal;
}

void Admission::penalize(SourceEntry& source, Offence offence, Clock::time_point now) {
  const auto policy = source_policy();
  const auto amount = policy->amount_of(offence);
  if (policy->penalties.mode == Mode::Off || amount.count() == 0) return;
  SourceTable::penalize(source, amount, {policy->penalties.min, policy->penalties.max}, now);
  penalties_[static_cast<std::size_t>(offence)].add();
}

std::uint64_t Admission::penalties(Offence offence) const noexcept {
  return penalties_[static_cast<std::size_t>(offence)].value();
}

std::vector<PenalizedSource> Admission::penalized(Family family, Clock::time_point now) const {
  CHATGATE_ASSERT(family != Family::None);
  return (family == Family::V4 ? v4_sources_ : v6_sources_).penalized(now);
}

std::size_t Admission::forgive(const net::IpAddress& address, Clock::time_point now) {
  CHATGATE_ASSERT(address.family != Family::None);
  return sources_of(address.family).forgive(source_policy()->key_of(address), now);
}

std::size_t Admission::forgive_all(Clock::time_point now) {
  return v4_sources_.forgive_all(now) + v6_sources_.forgive_all(now);
}

void Admission::count_would_reject(Refusal reason) noexcept {
  would_reject_[static_cast<std::size_t>(reason)].add();
}

// The waiter sets the flag and then looks for room; here room is made first and the flag read
// after. In the one order of all these operations, at least one of the two sees the other.
void Admission::wake_waiting() noexcept {
  if (waiting_.load() && waiting_.exchange(false)) on_release_();
}

}  // namespace chatgate::admission
