#include <cstddef>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <chatgate/session/session_record.h>

namespace chatgate::session {
namespace {

constexpr std::uint64_t kMost = ClosedSessions::kClosedMax;

ClosedSession closed(std::uint64_t id) { return {.record = {.id = {id}}}; }

void add(ClosedSessions& sessions, std::uint64_t first, std::uint64_t last) {
  for (auto id = first; id <= last; ++id) sessions.add(closed(id));
}

// The ids first, first + 1, … last.
void expect_ids(const ClosedSessions& sessions, std::uint64_t first, std::uint64_t last) {
  const auto list = sessions.list();
  ASSERT_EQ(list.size(), last - first + 1);
  for (std::size_t i = 0; i < list.size(); ++i) ASSERT_EQ(list[i].record.id.value, first + i);
}

TEST(ClosedSessionsTest, AreNoneAtFirst) {
  const ClosedSessions sessions;
  EXPECT_TRUE(sessions.list().empty());
}

TEST(ClosedSessionsTest, AreListedWithTheNewestLast) {
  ClosedSessions sessions;
  add(sessions, 1, 3);
  expect_ids(sessions, 1, 3);
}

TEST(ClosedSessionsTest, AreAllKeptUpToTheBound) {
  ClosedSessions sessions;
  add(sessions, 1, kMost);
  expect_ids(sessions, 1, kMost);
}

TEST(ClosedSessionsTest, ReplaceTheOldestBeyondTheBound) {
  ClosedSessions sessions;
  add(sessions, 1, kMost + 1);
  expect_ids(sessions, 2, kMost + 1);
  add(sessions, kMost + 2, 3 * kMost + 17);
  expect_ids(sessions, 2 * kMost + 18, 3 * kMost + 17);
}

TEST(ClosedSessionsTest, LoseNothingOfSeveralThreads) {
  constexpr std::uint64_t kEach = 1000;
  ClosedSessions sessions;
  {
    std::vector<std::jthread> threads;
    for (std::uint64_t i = 0; i < 4; ++i) {
      threads.emplace_back([&, i] { add(sessions, i * kEach + 1, (i + 1) * kEach); });
    }
    EXPECT_LE(sessions.list().size(), 4 * kEach);
  }
  std::uint64_t sum = 0;
  for (const auto& session : sessions.list()) sum += session.record.id.value;
  EXPECT_EQ(sum, 4 * kEach * (4 * kEach + 1) / 2);
}

TEST(SessionStateTest, HasAWordForEachState) {
  EXPECT_EQ(word(SessionState::Idle), "idle");
  EXPECT_EQ(word(SessionState::Reading), "reading");
  EXPECT_EQ(word(SessionState::Backlogged), "backlogged");
  EXPECT_EQ(word(SessionState::Leaving), "leaving");
}

}  // namespace
}  // namespace chatgate::session
