#include "source_shard.h"

#include <algorithm>
#include <cstring>

namespace chatgate::admission {
namespace {

constexpr std::size_t kHeadsMin = 16;

// The finalizer of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators).
std::uint64_t mixed(std::uint64_t bits) noexcept {
  bits += 0x9e3779b97f4a7c15U;
  bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9U;
  bits = (bits ^ bits >> 27) * 0x94d049bb133111ebU;
  return bits ^ bits >> 31;
}

bool is_forgettable(const SourceEntry& entry, base::Clock::time_point now) noexcept {
  // Who ended a connection has added its penalty before: open is looked at first.
  return entry.full_at <= now && entry.open.load(std::memory_order_acquire) == 0 &&
         Penalty{entry.penalty.load(std::memory_order_relaxed)}.left(now).count() == 0;
}

}  // namespace

std::uint64_t hash_of(const SourceKey& key, std::uint64_t seed) noexcept {
  std::array<std::uint64_t, 2> halves{};
  std::memcpy(halves.data(), key.network.data(), sizeof halves);
  return mixed(mixed(mixed(seed ^ halves[0]) ^ halves[1]) ^ seed ^ key.prefix);
}

SourceEntry* SourceShard::find(const SourceKey& key, std::uint64_t hash) noexcept {
  if (heads_.empty()) return nullptr;
  for (auto index = head_of(hash); index != kNone; index = entries_[index].next) {
    if (entries_[index].key == key) return &entries_[index];
  }
  return nullptr;
}

SourceEntry& SourceShard::insert(const SourceKey& key, std::uint64_t hash,
                                 base::Clock::time_point now) {
  const auto index = take_vacant();
  SourceEntry& entry = entries_[index];
  auto& head = head_of(hash);
  entry.key = key;
  entry.full_at = now;
  entry.penalty.store(0, std::memory_order_relaxed);
  entry.next = head;
  head = index;
  return entry;
}

std::uint32_t SourceShard::sweep(std::uint32_t steps, base::Clock::time_point now) noexcept {
  std::uint32_t forgotten = 0;
  steps = std::min(steps, static_cast<std::uint32_t>(entries_.size()));
  for (; steps > 0; --steps) {
    if (hand_ >= entries_.size()) hand_ = 0;
    const auto index = hand_++;
    const auto& entry = entries_[index];
    if (entry.key.prefix == kVacantPrefix || !is_forgettable(entry, now)) continue;
    forget(index);
    ++forgotten;
  }
  return forgotten;
}

std::uint32_t SourceShard::take_vacant() {
  if (first_vacant_ != kNone) {
    const auto index = first_vacant_;
    first_vacant_ = entries_[index].next;
    return index;
  }
  if (entries_.size() == heads_.size()) grow_heads();
  entries_.emplace_back();
  return static_cast<std::uint32_t>(entries_.size() - 1);
}

void SourceShard::forget(std::uint32_t index) noexcept {
  SourceEntry& entry = entries_[index];
  auto* link = &head_of(hash_of(entry.key, seed_));
  while (*link != index) link = &entries_[*link].next;
  *link = entry.next;
  entry.key.prefix = kVacantPrefix;
  entry.next = first_vacant_;
  first_vacant_ = index;
}

// Called while no entry is vacant, so that every entry belongs to a chain.
void SourceShard::grow_heads() {
  heads_.assign(std::max(kHeadsMin, heads_.size() * 2), kNone);
  for (std::uint32_t index = 0; index < entries_.size(); ++index) {
    auto& head = head_of(hash_of(entries_[index].key, seed_));
    entries_[index].next = head;
    head = index;
  }
}

}  // namespace chatgate::admission
