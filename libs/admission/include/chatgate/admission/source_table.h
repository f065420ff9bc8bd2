#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <chatgate/admission/options.h>
#include <chatgate/admission/penalty.h>
#include <chatgate/admission/refusal.h>
#include <chatgate/admission/slots.h>
#include <chatgate/admission/token_bucket.h>
#include <chatgate/base/units.h>

namespace chatgate::admission {

/// What makes a source: the first `prefix` bits of an address. Sources of different prefixes are
/// different sources, so that a reload that changes the prefix starts counting afresh.
struct SourceKey {
  std::array<std::uint8_t, 16> network{};  // Bits beyond the prefix are clear.
  std::uint8_t prefix = 0;

  friend bool operator==(const SourceKey&, const SourceKey&) = default;
};

/// What is remembered of one source.
struct SourceEntry {
  SourceKey key;
  std::atomic<std::uint32_t> open{0};  // Grows under the lock of its shard, falls without one.
  std::uint32_t next = 0;              // Of its hash chain, or of the vacant entries.
  base::Clock::time_point full_at;     // Its token bucket.
  std::atomic<Penalty::Word> penalty{0};
};
static_assert(sizeof(SourceEntry) == 48);

/// A source with a penalty.
struct PenalizedSource {
  SourceKey key;
  base::Clock::duration left{};
  bool is_barred = false;
  std::uint32_t open = 0;
};

/// The bounds on one source, ready for use.
struct SourceRules {
  Mode mode;
  std::uint32_t max;
  TokenBucket bucket;
  Mode penalty_mode = Mode::Off;
};

/// What the table says to one new connection.
struct SourceDecision {
  std::optional<Refusal> refusal;  // The first that hits, also of those that only observe.
  SourceEntry* entry = nullptr;    // Counts the connection until release(); none if not counted.
  bool table_full = false;         // The source is new and found no place: it passes.
};

/// The sources of one address family: how many connections each has open and how fast they came.
///
/// A source with no open connection, no penalty and a full token bucket is forgettable: it would be
/// treated as a new one. Forgettable sources make room for new ones, a few at each call, so no call
/// walks the table. While the table is full of sources that must be remembered, new ones pass
/// uncounted: a flood of addresses shall not lock everybody out.
///
/// Threads: any; the table is cut into shards with a lock each. release() and penalize() take none.
/// Cost: a tracked source takes 48 bytes and 4 to 8 of index; the table never shrinks. A call for
///   a known source looks at its hash chain; one for a new source at 8 entries more, and at 128
///   while the table is full.
class SourceTable {
 public:
  static constexpr std::uint32_t kSourcesMax = 65'536;

  /// Tracks at most `capacity` sources. Hashes by a random key: who picks the addresses cannot pick
  /// the chains.
  explicit SourceTable(std::uint32_t capacity = kSourcesMax);
  ~SourceTable();
  SourceTable(const SourceTable&) = delete;
  SourceTable& operator=(const SourceTable&) = delete;

  /// Decides on a new connection: penalty first, then rate, then count. A connection that passes
  /// the rate takes a token, whatever refuses it later: attempts are what the rate bounds. One
  /// refused for its rate takes none. `Enforce` counts the connection only if it passes, `Observe`
  /// always. Requires a mode other than Off.
  SourceDecision admit(const SourceKey& key, const SourceRules& rules, base::Clock::time_point now);

  /// Adds to the penalty of a source, exactly, whoever does the same. Requires that `entry` counts
  /// a connection.
  static void penalize(SourceEntry& entry, std::chrono::nanoseconds amount,
                       const PenaltyRules& rules, base::Clock::time_point now) noexcept;

  /// The sources that have a penalty at `now`, in no order. Cost: a look at each source.
  std::vector<PenalizedSource> penalized(base::Clock::time_point now) const;

  /// Forgets the penalty of one source, or of all. Returns how many had one.
  std::size_t forgive(const SourceKey& key, base::Clock::time_point now);
  std::size_t forgive_all(base::Clock::time_point now);

  /// Ends what admit() counted. `entry` may be reused from then on.
  static void release(SourceEntry& entry) noexcept;

  /// Sources remembered now, forgettable ones included.
  std::uint32_t tracked() const noexcept { return tracked_.taken(); }

 private:
  static constexpr std::size_t kShards = 64;

  struct Shard;

  Shard& shard_of(std::uint64_t hash) noexcept;
  std::optional<SourceDecision> admit_in(Shard& shard, std::uint64_t hash, const SourceKey& key,
                                         const SourceRules& rules, base::Clock::time_point now);
  void make_room(base::Clock::time_point now);

  const std::uint64_t seed_;
  const std::unique_ptr<Shard[]> shards_;
  Slots tracked_;
  std::atomic<std::uint32_t> next_swept_{0};  // The shard that the next make_room() begins with.
};

}  // namespace chatgate::admission
