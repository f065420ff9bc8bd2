#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include <chatgate/admission/aggregation_watch.h>
#include <chatgate/admission/early_drop.h>
#include <chatgate/admission/listener_slot.h>
#include <chatgate/admission/options.h>
#include <chatgate/admission/penalty.h>
#include <chatgate/admission/refusal.h>
#include <chatgate/admission/slots.h>
#include <chatgate/admission/source_table.h>
#include <chatgate/admission/ticket.h>
#include <chatgate/base/expected.h>
#include <chatgate/base/mutex.h>
#include <chatgate/base/strong_id.h>
#include <chatgate/base/units.h>
#include <chatgate/net/address.h>
#include <chatgate/telemetry/counter.h>

namespace chatgate::admission {

/// Who may come in: the checks between accept(2) and the greeting, for all listeners together.
///
/// The checks run in the order of Refusal, and the first that hits is the one reason. An admitted
/// connection holds a Ticket; a refused one holds nothing, but for the token of its source's rate
/// if it came that far. Pure decisions: no I/O, and time is an argument.
///
/// A limit in mode Observe lets pass what it would refuse and counts it as would_reject(), each
/// connection under one reason; open connections then may exceed the limit. So do penalties during
/// their `bootwait`. In mode Off a limit is
/// not looked at, and connections of that time are never counted for their source. Access lists
/// have no mode. A peer without an address (a Unix socket's) meets the limits on places and what
/// follows them only.
///
/// Threads: any, all at once. Exact: no moment has more connections open than an enforced limit.
/// Lifetime: outlives every Ticket and every thread that ends one.
/// Cost: four short locks and two atomic operations an admission; none of it per message.
class Admission {
 public:
  using Family = net::IpAddress::Family;

  /// `started_at` is when the `bootwait` of penalties begins.
  explicit Admission(const LimitOptions& options,
                     base::Clock::time_point started_at = base::Clock::time_point{});
  ~Admission();
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;

  /// Takes new options while others decide. A lowered limit keeps those who are in and holds for
  /// every decision after the return. New prefixes count sources afresh.
  void apply(const LimitOptions& options);

  /// Adds a listener. The result stays valid until remove_listener() is called with it.
  ListenerSlot& add_listener(base::ListenerId id, const ListenerLimits& limits);

  /// Takes new limits of a listener, as the other apply() does.
  void apply(ListenerSlot& listener, const ListenerLimits& limits);

  /// Forgets a listener. Requires that nobody admits through it any more; its open tickets stay
  /// good.
  void remove_listener(ListenerSlot& listener);

  /// Decides on a connection that came to `listener` from `source` at `now`.
  base::Expected<Ticket, Refusal> admit(ListenerSlot& listener, const net::IpAddress& source,
                                        base::Clock::time_point now);

  /// Sets what to run when places became free after announce_waiting(). The hook must wake every
  /// waiter; it runs on any thread that ends a ticket, admits or applies options, so it must
  /// neither block nor throw. Call it before the first admit().
  void set_on_release(std::function<void()> hook);

  /// Asks for one run of the hook at the next release, for a listener that stops accepting while a
  /// limit is reached. No wake-up is lost when the waiter looks again after it announced:
  /// `announce_waiting(); if (!has_room(listener)) sleep until the hook ran, then once more`.
  void announce_waiting() noexcept;

  /// Whether neither the listener's nor the global limit would refuse now. Others may be faster.
  bool has_room(const ListenerSlot& listener) const noexcept;

  /// Connections admitted and not yet given back, and how many may be.
  std::uint32_t open() const noexcept { return total_.taken(); }
  std::uint32_t limit() const noexcept { return total_.limit(); }

  /// Takes what refuses newcomers who find a place: short memory and overload, off at first.
  void set_pressure(const Pressure& pressure) noexcept { early_drop_.set(pressure); }

  /// Whether the limits on places are in mode Enforce.
  bool is_enforced() const noexcept { return mode_.load() == Mode::Enforce; }

  /// Whether all places are taken, or somebody found them so since the last call.
  bool was_full() noexcept { return was_full_.exchange(false) || !total_.has_room(); }

  /// Connections that passed though a limit in mode Observe was reached.
  std::uint64_t would_reject(Refusal reason) const noexcept;

  /// Connections that passed uncounted because their source found no place in the table.
  std::uint64_t source_table_full() const noexcept { return source_table_full_.value(); }

  /// Times that a source was given a penalty.
  std::uint64_t penalties(Offence offence) const noexcept;

  /// The sources of a family that have a penalty. Cost: a look at each source.
  std::vector<PenalizedSource> penalized(Family family, base::Clock::time_point now) const;

  /// Forgets the penalty of the source of `address`, or of all sources. Returns how many had one.
  std::size_t forgive(const net::IpAddress& address, base::Clock::time_point now);
  std::size_t forgive_all(base::Clock::time_point now);

  /// Whether nearly all connections come from one or two private addresses, as a load balancer's
  /// do that does not tell of its clients.
  bool is_aggregation_suspected() const noexcept { return aggregation_.is_suspected(); }

  /// Sources remembered, of at most SourceTable::kSourcesMax. Requires a family other than None.
  std::uint32_t sources_tracked(Family family) const noexcept;

 private:
  friend class Ticket;

  struct SourcePolicy;

  std::shared_ptr<const SourcePolicy> source_policy() const;
  SourceDecision ask_source(const ListenerSlot& listener, const net::IpAddress& source,
                            base::Clock::time_point now);
  SourceTable& sources_of(Family family) noexcept {
    return family == Family::V4 ? v4_sources_ : v6_sources_;
  }
  void penalize(SourceEntry& source, Offence offence, base::Clock::time_point now);
  std::optional<Refusal> reserve(ListenerSlot& listener, Mode mode);
  void count_would_reject(Refusal reason) noexcept;
  void wake_waiting() noexcept;

  // Constant after the first admit().
  const base::Clock::time_point started_at_;
  std::function<void()> on_release_;

  // Shared by all threads.
  std::atomic<Mode> mode_;
  Slots total_;
  std::atomic<bool> was_full_{false};
  EarlyDrop early_drop_;
  SourceTable v4_sources_;
  SourceTable v6_sources_;
  std::atomic<bool> waiting_{false};
  std::array<telemetry::SharedCounter, kRefusalCount> would_reject_;
  telemetry::SharedCounter source_table_full_;
  std::array<telemetry::SharedCounter, kOffenceCount> penalties_;
  AggregationWatch aggregation_;

  mutable base::Mutex mutex_;
  std::shared_ptr<const SourcePolicy> source_policy_ CHATGATE_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<ListenerSlot>> listeners_ CHATGATE_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<ListenerSlot>> removed_ CHATGATE_GUARDED_BY(mutex_);
};

}  // namespace chatgate::admission
