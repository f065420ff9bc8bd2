#include "source_shard.h"

#include <random>

#include <chatgate/admission/source_table.h>
#include <chatgate/base/assert.h>
#include <chatgate/base/mutex.h>

namespace chatgate::admission {
namespace {

// More than one for each new source, so that the forgettable ones cannot pile up.
constexpr std::uint32_t kSweptAtInsert = 8;
constexpr std::uint32_t kShardsSweptWhenFull = 4;
constexpr std::uint32_t kSweptWhenFull = 32;

std::uint64_t random_seed() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

Penalty penalty_of(const SourceEntry& entry) noexcept {
  return Penalty{entry.penalty.load(std::memory_order_relaxed)};
}

SourceDecision decide(SourceEntry& entry, const SourceRules& rules, base::Clock::time_point now) {
  const bool is_barred = rules.penalty_mode != Mode::Off && penalty_of(entry).bars(now);
  if (is_barred && rules.penalty_mode == Mode::Enforce) return {.refusal = Refusal::Penalty};
  SourceDecision decision;
  if (!rules.bucket.take(entry.full_at, now)) {
    decision.refusal = Refusal::LimitSourceRate;
  } else if (rules.max != 0 && entry.open.load(std::memory_order_relaxed) >= rules.max) {
    decision.refusal = Refusal::LimitSourceCount;
  }
  if (decision.refusal && rules.mode == Mode::Enforce) return decision;
  if (is_barred) decision.refusal = Refusal::Penalty;
  entry.open.fetch_add(1, std::memory_order_relaxed);
  decision.entry = &entry;
  return decision;
}

}  // namespace

// A cache line of its own: acceptors lock neighbouring shards at the same time.
struct alignas(64) SourceTable::Shard {
  base::Mutex mutex;
  std::optional<SourceShard> sources CHATGATE_GUARDED_BY(mutex);
};

SourceTable::SourceTable(std::uint32_t capacity)
    : seed_{random_seed()}, shards_{std::make_unique<Shard[]>(kShards)}, tracked_{capacity} {
  for (std::size_t i = 0; i < kShards; ++i) {
    base::MutexLock lock{shards_[i].mutex};
    shards_[i].sources.emplace(seed_);
  }
}

SourceTable::~SourceTable() = default;

// The chains use the low bits.
SourceTable::Shard& SourceTable::shard_of(std::uint64_t hash) noexcept {
  static_assert(kShards == 1U << (64 - 58));
  return shards_[hash >> 58];
}

SourceDecision SourceTable::admit(const SourceKey& key, const SourceRules& rules,
                                  base::Clock::time_point now) {
  CHATGATE_ASSERT(rules.mode != Mode::Off);
  const auto hash = hash_of(key, seed_);
  Shard& shard = shard_of(hash);

  if (const auto decision = admit_in(shard, hash, key, rules, now)) return *decision;
  make_room(now);
  if (const auto decision = admit_in(shard, hash, key, rules, now)) return *decision;
  return {.table_full = true};
}

std::optional<SourceDecision> SourceTable::admit_in(Shard& shard, std::uint64_t hash,
                                                    const SourceKey& key, const SourceRules& rules,
                                                    base::Clock::time_point now) {
  base::MutexLock lock{shard.mutex};
  auto& sources = *shard.sources;
  auto* entry = sources.find(key, hash);
  if (entry == nullptr) {
    tracked_.give_back(sources.sweep(kSweptAtInsert, now));
    if (!tracked_.try_take()) return std::nullopt;
    entry = &sources.insert(key, hash, now);
  }
  return decide(*entry, rules, now);
}

void SourceTable::make_room(base::Clock::time_point now) {
  for (std::uint32_t swept = 0; swept < kShardsSweptWhenFull; ++swept) {
    Shard& shard = shards_[next_swept_.fetch_add(1, std::memory_order_relaxed) % kShards];
    base::MutexLock lock{shard.mutex};
    tracked_.give_back(shard.sources->sweep(kSweptWhenFull, now));
  }
}

void SourceTable::penalize(SourceEntry& entry, std::chrono::nanoseconds amount,
                           const PenaltyRules& rules, base::Clock::time_point now) noexcept {
  auto word = entry.penalty.load(std::memory_order_relaxed);
  while (!entry.penalty.compare_exchange_weak(word, Penalty{word}.plus(amount, rules, now).word(),
                                              std::memory_order_relaxed)) {
  }
}

std::vector<PenalizedSource> SourceTable::penalized(base::Clock::time_point now) const {
  std::vector<PenalizedSource> found;
  for (std::size_t i = 0; i < kShards; ++i) {
    base::MutexLock lock{shards_[i].mutex};
    shards_[i].sources->for_each([&](const SourceEntry& entry) {
      const auto penalty = penalty_of(entry);
      if (penalty.left(now).count() == 0) return;
      found.push_back({entry.key, penalty.left(now), penalty.bars(now),
                       entry.open.load(std::memory_order_relaxed)});
    });
  }
  return found;
}

std::size_t SourceTable::forgive(const SourceKey& key, base::Clock::time_point now) {
  const auto hash = hash_of(key, seed_);
  Shard& shard = shard_of(hash);
  base::MutexLock lock{shard.mutex};
  auto* const entry = shard.sources->find(key, hash);
  if (entry == nullptr) return 0;
  const Penalty was{entry->penalty.exchange(0, std::memory_order_relaxed)};
  return was.left(now).count() != 0 ? 1 : 0;
}

std::size_t SourceTable::forgive_all(base::Clock::time_point now) {
  std::size_t forgiven = 0;
  for (std::size_t i = 0; i < kShards; ++i) {
    base::MutexLock lock{shards_[i].mutex};
    shards_[i].sources->for_each([&](SourceEntry& entry) {
      const Penalty was{entry.penalty.exchange(0, std::memory_order_relaxed)};
      if (was.left(now).count() != 0) ++forgiven;
    });
  }
  return forgiven;
}

void SourceTable::release(SourceEntry& entry) noexcept {
  const auto before = entry.open.fetch_sub(1, std::memory_order_release);
  CHATGATE_ASSERT(before != 0);
}

}  // namespace chatgate::admission
