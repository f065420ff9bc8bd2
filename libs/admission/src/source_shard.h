#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include <chatgate/admission/source_table.h>

namespace chatgate::admission {

/// Mixes `key` with `seed` into 64 bits, each of which depends on every bit of both.
std::uint64_t hash_of(const SourceKey& key, std::uint64_t seed) noexcept;

/// A hash table of sources whose entries never move.
///
/// Threads: under the lock of its owner, but for SourceEntry::open, which others may lower.
/// Lifetime: an entry stays at its address for the life of the shard; once forgotten it is reused.
class SourceShard {
 public:
  explicit SourceShard(std::uint64_t seed) : seed_{seed} {}

  /// Returns nullptr for a source that is not there. `hash` is hash_of(key, seed).
  SourceEntry* find(const SourceKey& key, std::uint64_t hash) noexcept;

  /// Adds a source that is not there yet, with no open connection and a full bucket.
  SourceEntry& insert(const SourceKey& key, std::uint64_t hash, base::Clock::time_point now);

  /// Calls `visit(entry)` for each source.
  template <class Visit>
  void for_each(Visit visit) {
    for (auto& entry : entries_) {
      if (entry.key.prefix != kVacantPrefix) visit(entry);
    }
  }

  /// Looks at the next `steps` entries, goes round, and forgets those that are forgettable.
  /// Returns how many.
  std::uint32_t sweep(std::uint32_t steps, base::Clock::time_point now) noexcept;

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;
  static constexpr std::uint8_t kVacantPrefix = 255;  // Longer than any prefix of an address.

  std::uint32_t& head_of(std::uint64_t hash) noexcept { return heads_[hash & (heads_.size() - 1)]; }
  std::uint32_t take_vacant();
  void forget(std::uint32_t index) noexcept;
  void grow_heads();

  const std::uint64_t seed_;
  std::deque<SourceEntry> entries_;   // A deque grows without moving what it holds.
  std::vector<std::uint32_t> heads_;  // Of the hash chains; a power of two of them.
  std::uint32_t first_vacant_ = kNone;
  std::uint32_t hand_ = 0;  // Where the next sweep begins.
};

}  // namespace chatgate::admission
