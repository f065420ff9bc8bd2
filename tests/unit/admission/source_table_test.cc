#include <chrono>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include <chatgate/admission/source_table.h>

namespace chatgate::admission {
namespace {

using namespace std::chrono_literals;
using base::Clock;
using base::Rate;

// Source number `n`, for a table of v4 sources.
SourceKey source(std::uint32_t n) {
  SourceKey key{.prefix = 32};
  for (std::size_t i = 0; i < 4; ++i) key.network[i] = static_cast<std::uint8_t>(n >> 8 * i);
  return key;
}

class SourceTableTest : public ::testing::Test {
 protected:
  static constexpr auto kRefill = 50ms;  // Of one token.

  static SourceRules rules(Mode mode = Mode::Enforce, std::uint32_t max = 3) {
    return {mode, max, TokenBucket{Rate{20}, 5}};
  }

  // Lets a source in that needs the place of another, within a round of the table's sweep.
  static SourceDecision admit_soon(SourceTable& table, const SourceKey& key,
                                   Clock::time_point now) {
    auto decision = table.admit(key, rules(), now);
    for (int calls = 1; calls < 64 && decision.table_full; ++calls) {
      decision = table.admit(key, rules(), now);
    }
    return decision;
  }

  const Clock::time_point start_ = Clock::time_point{} + 1h;
};

TEST_F(SourceTableTest, CountsEachSourceOnItsOwn) {
  SourceTable table;
  for (int i = 0; i < 3; ++i) EXPECT_NE(table.admit(source(1), rules(), start_).entry, nullptr);
  EXPECT_EQ(table.admit(source(1), rules(), start_).refusal, Refusal::LimitSourceCount);
  EXPECT_NE(table.admit(source(2), rules(), start_).entry, nullptr);
  EXPECT_EQ(table.tracked(), 2U);
}

TEST_F(SourceTableTest, LetsTheNextOneInAfterARelease) {
  SourceTable table;
  auto* entry = table.admit(source(1), rules(Mode::Enforce, 1), start_).entry;
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(table.admit(source(1), rules(Mode::Enforce, 1), start_).refusal,
            Refusal::LimitSourceCount);
  SourceTable::release(*entry);
  EXPECT_EQ(table.admit(source(1), rules(Mode::Enforce, 1), start_).refusal, std::nullopt);
}

TEST_F(SourceTableTest, TakesATokenForAnAttemptThatTheCountRefuses) {
  SourceTable table;
  const auto one = rules(Mode::Enforce, 1);
  ASSERT_NE(table.admit(source(1), one, start_).entry, nullptr);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(table.admit(source(1), one, start_).refusal, Refusal::LimitSourceCount);
  }
  EXPECT_EQ(table.admit(source(1), one, start_).refusal, Refusal::LimitSourceRate);
  EXPECT_EQ(table.admit(source(1), one, start_ + kRefill).refusal, Refusal::LimitSourceCount);
}

TEST_F(SourceTableTest, HasNoBoundOnTheCountWhenItsMaxIsZero) {
  SourceTable table;
  const SourceRules unbounded{Mode::Enforce, 0, TokenBucket{Rate{0}, 1}};
  for (int i = 0; i < 1000; ++i) {
    ASSERT_NE(table.admit(source(1), unbounded, start_).entry, nullptr);
  }
}

TEST_F(SourceTableTest, CountsWhatItOnlyObserves) {
  SourceTable table;
  const auto observe = rules(Mode::Observe, 1);
  std::vector<SourceEntry*> entries;
  for (int i = 0; i < 6; ++i) entries.push_back(table.admit(source(1), observe, start_).entry);
  for (auto* entry : entries) {
    ASSERT_NE(entry, nullptr);
    SourceTable::release(*entry);
  }
  EXPECT_EQ(table.admit(source(1), rules(Mode::Enforce, 1), start_ + 1s).refusal, std::nullopt);
}

TEST_F(SourceTableTest, TellsWhatItOnlyObserves) {
  SourceTable table;
  const auto observe = rules(Mode::Observe, 1);
  EXPECT_EQ(table.admit(source(1), observe, start_).refusal, std::nullopt);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(table.admit(source(1), observe, start_).refusal, Refusal::LimitSourceCount);
  }
  EXPECT_EQ(table.admit(source(1), observe, start_).refusal, Refusal::LimitSourceRate);
}

TEST_F(SourceTableTest, KeepsSourcesOfDifferentPrefixesApart) {
  SourceTable table;
  const auto one = rules(Mode::Enforce, 1);
  SourceKey wide = source(1);
  wide.prefix = 24;
  EXPECT_NE(table.admit(source(1), one, start_).entry, nullptr);
  EXPECT_NE(table.admit(wide, one, start_).entry, nullptr);
  EXPECT_EQ(table.tracked(), 2U);
}

TEST_F(SourceTableTest, RemembersAsManySourcesAsItsCapacityWhateverTheirHash) {
  constexpr std::uint32_t kCapacity = 10'000;
  SourceTable table{kCapacity};
  std::set<const SourceEntry*> entries;
  for (std::uint32_t n = 0; n < kCapacity; ++n) {
    const auto decision = table.admit(source(n), rules(Mode::Enforce, 1), start_);
    ASSERT_FALSE(decision.table_full);
    entries.insert(decision.entry);
  }
  EXPECT_EQ(entries.size(), kCapacity);
  EXPECT_EQ(table.tracked(), kCapacity);
  for (std::uint32_t n = 0; n < kCapacity; ++n) {
    ASSERT_EQ(table.admit(source(n), rules(Mode::Enforce, 1), start_).refusal,
              Refusal::LimitSourceCount);
  }
}

TEST_F(SourceTableTest, LetsNewSourcesPassUncountedWhenItIsFull) {
  SourceTable table{100};
  for (std::uint32_t n = 0; n < 100; ++n) (void)table.admit(source(n), rules(), start_);
  for (int i = 0; i < 10; ++i) {
    const auto decision = table.admit(source(100), rules(Mode::Enforce, 1), start_);
    EXPECT_TRUE(decision.table_full);
    EXPECT_EQ(decision.refusal, std::nullopt);
    EXPECT_EQ(decision.entry, nullptr);
  }
  EXPECT_EQ(table.tracked(), 100U);
}

TEST_F(SourceTableTest, StillBoundsTheSourcesItRemembersWhenItIsFull) {
  SourceTable table{100};
  for (std::uint32_t n = 0; n < 100; ++n) (void)table.admit(source(n), rules(), start_);
  (void)table.admit(source(100), rules(), start_);
  EXPECT_EQ(table.admit(source(1), rules(Mode::Enforce, 1), start_).refusal,
            Refusal::LimitSourceCount);
}

TEST_F(SourceTableTest, ForgetsNoSourceWithAnOpenConnection) {
  SourceTable table{1};
  ASSERT_NE(table.admit(source(1), rules(), start_).entry, nullptr);
  EXPECT_TRUE(admit_soon(table, source(2), start_ + 24h).table_full);
}

TEST_F(SourceTableTest, ForgetsASourceAtTheInstantItsBucketIsFull) {
  SourceTable table{1};
  auto* entry = table.admit(source(1), rules(), start_).entry;
  ASSERT_NE(entry, nullptr);
  SourceTable::release(*entry);
  EXPECT_TRUE(admit_soon(table, source(2), start_ + kRefill - 1ns).table_full);
  EXPECT_FALSE(admit_soon(table, source(2), start_ + kRefill).table_full);
  EXPECT_EQ(table.tracked(), 1U);
}

TEST_F(SourceTableTest, FindsTheOneForgettableSourceWithinAFewCalls) {
  SourceTable table{1000};
  std::vector<SourceEntry*> entries;
  for (std::uint32_t n = 0; n < 1000; ++n) {
    entries.push_back(table.admit(source(n), rules(), start_).entry);
  }
  SourceTable::release(*entries[500]);
  int calls = 1;
  while (table.admit(source(1000), rules(), start_ + 1h).table_full && calls < 100) ++calls;
  // Each call looks into 4 of 64 shards; one that holds more than 32 sources takes a second round.
  EXPECT_LE(calls, 33);
}

TEST_F(SourceTableTest, ForgetsSourcesBeforeItIsFull) {
  SourceTable table;
  for (std::uint32_t n = 0; n < 20'000; ++n) {
    auto* entry = table.admit(source(n), rules(), start_ + n * 1ms).entry;
    ASSERT_NE(entry, nullptr);
    SourceTable::release(*entry);
  }
  // At any time 50 of them, those of the last 50 ms, are not forgettable.
  EXPECT_LT(table.tracked(), 1000U);
}

TEST_F(SourceTableTest, GivesAForgottenSourceACleanSheet) {
  SourceTable table{1};
  for (int i = 0; i < 5; ++i) {
    auto* entry = table.admit(source(1), rules(), start_).entry;
    ASSERT_NE(entry, nullptr);
    SourceTable::release(*entry);
  }
  const auto later = start_ + 5 * kRefill;
  auto* entry = admit_soon(table, source(2), later).entry;
  ASSERT_NE(entry, nullptr);
  SourceTable::release(*entry);
  const auto decision = admit_soon(table, source(1), later + kRefill);
  EXPECT_NE(decision.entry, nullptr);
  EXPECT_EQ(decision.refusal, std::nullopt);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(table.admit(source(1), rules(), later + kRefill).refusal, std::nullopt);
  }
  EXPECT_EQ(table.admit(source(1), rules(), later + kRefill).refusal, Refusal::LimitSourceCount);
}

}  // namespace
}  // namespace chatgate::admission
