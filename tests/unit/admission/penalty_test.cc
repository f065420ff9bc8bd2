#include "admission_fixture.h"
#include "threads.h"

#include <atomic>
#include <map>
#include <set>

#include <malloc.h>

namespace chatgate::admission {
namespace {

using namespace std::chrono_literals;

constexpr PenaltyRules kRules{.min = 15s, .max = 10min};

TEST(PenaltyTest, AddsUpAndDecaysInRealTime) {
  const auto now = base::Clock::time_point{} + 1h;
  const auto one = Penalty{}.plus(10s, kRules, now);
  EXPECT_NEAR(static_cast<double>(one.left(now).count()), 10e9, 1);
  EXPECT_NEAR(static_cast<double>(one.left(now + 4s).count()), 6e9, 1);
  EXPECT_EQ(one.left(now + 10s + 1ns).count(), 0);
  const auto two = one.plus(5s, kRules, now + 4s);
  EXPECT_NEAR(static_cast<double>(two.left(now + 4s).count()), 11e9, 2);
}

TEST(PenaltyTest, BarsFromItsLeastOnUntilNothingIsLeft) {
  const auto now = base::Clock::time_point{} + 1h;
  const auto less = Penalty{}.plus(14s, kRules, now);
  EXPECT_FALSE(less.bars(now));
  const auto enough = less.plus(1s + 1ns, kRules, now);
  EXPECT_TRUE(enough.bars(now));
  EXPECT_TRUE(enough.bars(now + 14s));
  EXPECT_FALSE(enough.bars(now + 16s));
  EXPECT_FALSE(enough.plus(1s, kRules, now + 16s).bars(now + 16s));
}

TEST(PenaltyTest, NeverExceedsItsMost) {
  const auto now = base::Clock::time_point{} + 1h;
  Penalty penalty;
  for (int i = 0; i < 1000; ++i) penalty = penalty.plus(10s, kRules, now);
  EXPECT_TRUE(penalty.bars(now));
  EXPECT_LE(penalty.left(now), 10min + 1ns);
}

class PenalizingTest : public AdmissionTest {
 protected:
  PenalizingTest() {
    options_.per_source.penalties.bootwait = 0s;
    admission_.apply(options_);
  }

  PenaltyOptions& penalties() { return options_.per_source.penalties; }

  // A client of `source` comes, offends and leaves.
  void offend(std::string_view source, Offence offence = Offence::WrongProtocol) {
    const auto ticket = admission_.admit(public_, ip(source), now_);
    ASSERT_TRUE(ticket.has_value());
    ticket->penalize(offence, now_);
  }
};

TEST_F(PenalizingTest, RefusesASourceWhosePenaltiesAmountToTheLeast) {
  offend("192.0.2.1");
  EXPECT_EQ(enter("192.0.2.1"), std::nullopt);
  offend("192.0.2.1");
  EXPECT_EQ(enter("192.0.2.1"), Refusal::Penalty);
  EXPECT_EQ(enter("192.0.2.2"), std::nullopt);
  now_ += 19s;
  EXPECT_EQ(enter("192.0.2.1"), Refusal::Penalty);
  now_ += 2s;
  EXPECT_EQ(enter("192.0.2.1"), std::nullopt);
  EXPECT_EQ(admission_.penalties(Offence::WrongProtocol), 2U);
}

TEST_F(PenalizingTest, TakesForEachOffenceWhatItCosts) {
  for (int i = 0; i < 3; ++i) offend("192.0.2.1", Offence::IdleBeforeFirstMessage);
  EXPECT_EQ(enter("192.0.2.1"), Refusal::Penalty);
  for (int i = 0; i < 7; ++i) offend("192.0.2.2", Offence::ProtocolError);
  EXPECT_EQ(enter("192.0.2.2"), std::nullopt);
  offend("192.0.2.2", Offence::ProtocolError);
  EXPECT_EQ(enter("192.0.2.2"), Refusal::Penalty);
}

TEST_F(PenalizingTest, TakesNoTokenAndAddsNothingWhenItRefuses) {
  offend("192.0.2.1");
  offend("192.0.2.1");
  for (int i = 0; i < 100; ++i) EXPECT_EQ(enter("192.0.2.1"), Refusal::Penalty);
  now_ += 20s + 1ms;
  EXPECT_EQ(enter("192.0.2.1"), std::nullopt);
}

TEST_F(PenalizingTest, LeavesOpenConnectionsAlone) {
  EXPECT_EQ(enter("192.0.2.1"), std::nullopt);
  offend("192.0.2.1");
  offend("192.0.2.1");
  EXPECT_EQ(admission_.open(), 1U);
}

TEST_F(PenalizingTest, PenalizesAWholeV6Network) {
  offend("2001:db8::1");
  offend("2001:db8::2");
  EXPECT_EQ(enter("2001:db8::3"), Refusal::Penalty);
  EXPECT_EQ(enter("2001:db8:0:1::1"), std::nullopt);
}

TEST_F(PenalizingTest, LeavesExemptSourcesAlone) {
  options_.per_source.exempt = {cidr("192.0.2.0/24")};
  admission_.apply(options_);
  for (int i = 0; i < 10; ++i) offend("192.0.2.1");
  EXPECT_EQ(enter("192.0.2.1"), std::nullopt);
  EXPECT_TRUE(admission_.penalized(Family::V4, now_).empty());
}

TEST_F(PenalizingTest, OnlyCountsInModeObserve) {
  penalties().mode = Mode::Observe;
  admission_.apply(options_);
  for (int i = 0; i < 3; ++i) offend("192.0.2.1");
  EXPECT_EQ(enter("192.0.2.1"), std::nullopt);
  EXPECT_EQ(admission_.would_reject(Refusal::Penalty), 2U);
  EXPECT_EQ(admission_.penalties(Offence::WrongProtocol), 3U);
}

TEST_F(PenalizingTest, StillLimitsASourceThatItObservesOnly) {
  penalties().mode = Mode::Observe;
  options_.per_source.max = 1;
  admission_.apply(options_);
  offend("192.0.2.1");
  offend("192.0.2.1");
  EXPECT_EQ(enter("192.0.2.1"), std::nullopt);
  EXPECT_EQ(enter("192.0.2.1"), Refusal::LimitSourceCount);
  EXPECT_EQ(admission_.would_reject(Refusal::Penalty), 1U);
}

TEST_F(PenalizingTest, DoesNothingInModeOff) {
  penalties().mode = Mode::Off;
  admission_.apply(options_);
  for (int i = 0; i < 3; ++i) offend("192.0.2.1");
  EXPECT_EQ(enter("192.0.2.1"), std::nullopt);
  EXPECT_EQ(admission_.penalties(Offence::WrongProtocol), 0U);
  EXPECT_EQ(admission_.would_reject(Refusal::Penalty), 0U);
}

TEST_F(PenalizingTest, AppliesANewLeastToPenaltiesYetToCome) {
  offend("192.0.2.1");
  penalties().min = 5s;
  admission_.apply(options_);
  EXPECT_EQ(enter("192.0.2.1"), std::nullopt);
  offend("192.0.2.1", Offence::ProtocolError);
  EXPECT_EQ(enter("192.0.2.1"), Refusal::Penalty);
}

TEST_F(PenalizingTest, ForgivesOneSourceOrAll) {
  for (const auto* const source : {"192.0.2.1", "192.0.2.2", "2001:db8::1"}) {
    offend(source);
    offend(source);
  }
  offend("192.0.2.3");
  EXPECT_EQ(admission_.forgive(ip("192.0.2.9"), now_), 0U);
  EXPECT_EQ(admission_.forgive(ip("192.0.2.1"), now_), 1U);
  EXPECT_EQ(enter("192.0.2.1"), std::nullopt);
  EXPECT_EQ(enter("192.0.2.2"), Refusal::Penalty);
  EXPECT_EQ(admission_.forgive_all(now_), 3U);
  EXPECT_EQ(enter("192.0.2.2"), std::nullopt);
  EXPECT_EQ(enter("2001:db8::1"), std::nullopt);
  EXPECT_EQ(admission_.forgive_all(now_), 0U);
}

TEST_F(PenalizingTest, ListsWhoPays) {
  offend("192.0.2.1");
  offend("192.0.2.1");
  offend("192.0.2.2", Offence::ProtocolError);
  EXPECT_EQ(enter("192.0.2.2"), std::nullopt);
  now_ += 1s;
  std::map<std::uint8_t, PenalizedSource> by_last_byte;
  for (const auto& source : admission_.penalized(Family::V4, now_)) {
    by_last_byte.emplace(source.key.network[3], source);
  }
  ASSERT_EQ(by_last_byte.size(), 2U);
  EXPECT_TRUE(by_last_byte[1].is_barred);
  EXPECT_NEAR(static_cast<double>(by_last_byte[1].left.count()), 19e9, 4);
  EXPECT_FALSE(by_last_byte[2].is_barred);
  EXPECT_EQ(by_last_byte[2].open, 1U);
  now_ += 1s;
  EXPECT_EQ(admission_.penalized(Family::V4, now_).size(), 1U);
  EXPECT_TRUE(admission_.penalized(Family::V6, now_).empty());
}

TEST(BootwaitTest, CountsPenaltiesAfterTheStartButRefusesNobody) {
  const auto start = base::Clock::time_point{} + 1h;
  Admission admission{wide_open(), start};
  auto& listener = admission.add_listener(base::ListenerId{1}, {});
  const auto come = [&](base::Clock::duration after) {
    return admission.admit(listener, ip("192.0.2.1"), start + after);
  };
  for (int i = 0; i < 20; ++i) come(1s)->penalize(Offence::WrongProtocol, start + 1s);
  EXPECT_TRUE(come(119s).has_value());
  const auto before = admission.would_reject(Refusal::Penalty);
  EXPECT_GT(before, 0U);
  const auto refused = come(121s);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error(), Refusal::Penalty);
  EXPECT_EQ(admission.would_reject(Refusal::Penalty), before);
}

// Each thread adds so many nanoseconds so often: not one is lost, and none is added twice.
TEST_F(PenalizingTest, AddsExactlyUnderThreads) {
  penalties().wrong_protocol = 1ms;
  penalties().max = 1h;
  admission_.apply(options_);
  constexpr int kTimes = 5000;
  on_all_threads([&](int) {
    for (int i = 0; i < kTimes; ++i) {
      const auto ticket = admission_.admit(public_, ip("192.0.2.1"), now_);
      // Barred from 15 s on: then nobody comes any more.
      if (ticket) ticket->penalize(Offence::WrongProtocol, now_);
    }
  });
  const auto given = admission_.penalties(Offence::WrongProtocol);
  const auto listed = admission_.penalized(Family::V4, now_);
  ASSERT_EQ(listed.size(), 1U);
  // At least those that bar it; beyond them, at most those who were let in before.
  EXPECT_GE(given, 15'000U);
  EXPECT_LT(given, 15'000U + kThreads);
  EXPECT_TRUE(listed.front().is_barred);
  EXPECT_NEAR(static_cast<double>(listed.front().left.count()), static_cast<double>(given) * 1e6,
              static_cast<double>(given));
}

TEST_F(PenalizingTest, ForgivesAndListsWhileOthersPenalize) {
  std::atomic<std::uint64_t> offences{0};
  on_all_threads([&](int thread) {
    for (int i = 0; i < 500; ++i) {
      if (thread == 0) {
        admission_.forgive_all(now_);
        EXPECT_LE(admission_.penalized(Family::V4, now_).size(), 100U);
        continue;
      }
      const auto ticket =
          admission_.admit(public_, numbered(static_cast<std::uint32_t>(i) % 100), now_);
      if (!ticket) continue;
      ticket->penalize(Offence::WrongProtocol, now_);
      ++offences;
    }
  });
  EXPECT_EQ(admission_.penalties(Offence::WrongProtocol), offences);
  admission_.forgive_all(now_);
  EXPECT_TRUE(admission_.penalized(Family::V4, now_).empty());
  EXPECT_EQ(admission_.open(), 0U);
}

// A flood of 100,000 addresses that all offend: the table keeps to its bound, those beyond it pass
// and are counted, and an exempt source is none of its business.
TEST_F(PenalizingTest, KeepsToItsBoundUnderAFloodOfSources) {
  options_.per_source.exempt = {cidr("192.0.2.1/32")};
  admission_.apply(options_);
  const auto before = ::mallinfo2().uordblks;
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    const auto ticket = admission_.admit(public_, numbered(i), now_);
    ASSERT_TRUE(ticket.has_value());
    ticket->penalize(Offence::WrongProtocol, now_);
  }
  EXPECT_EQ(admission_.sources_tracked(Family::V4), SourceTable::kSourcesMax);
  EXPECT_EQ(admission_.source_table_full(), 100'000U - SourceTable::kSourcesMax);
  EXPECT_EQ(admission_.penalties(Offence::WrongProtocol), SourceTable::kSourcesMax);
  EXPECT_EQ(enter("192.0.2.1"), std::nullopt);
  const auto used = ::mallinfo2().uordblks - before;
  RecordProperty("bytes", static_cast<int>(used));
  // 48 bytes each and at most 8 of index; a sanitizer's allocator does not count here.
  EXPECT_LE(used, std::size_t{SourceTable::kSourcesMax} * 58);
  now_ += 11s;
  for (std::uint32_t i = 200'000; i < 300'000; ++i) {
    ASSERT_TRUE(admission_.admit(public_, numbered(i), now_).has_value());
  }
  // Those whose penalties have decayed made room.
  EXPECT_LE(admission_.sources_tracked(Family::V4), SourceTable::kSourcesMax);
  EXPECT_EQ(admission_.source_table_full(), 100'000U - SourceTable::kSourcesMax);
}

}  // namespace
}  // namespace chatgate::admission
