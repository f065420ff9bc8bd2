#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chatgate/net/output_queue.h>

namespace chatgate::net {
namespace {

using namespace std::chrono_literals;

using Clock = base::Clock;
using Times = std::vector<Clock::time_point>;

constexpr Clock::time_point kStart{1h};

// Consumes and returns the replies that it completed, by when they were asked for.
Times completed_by(OutputQueue& queue, std::size_t count, Clock::time_point now = kStart) {
  Times completed;
  queue.consume(count, now, [&](auto asked_at) { completed.push_back(asked_at); });
  return completed;
}

TEST(OutputQueueTest, HoldsWhatWasNotSentOfABatch) {
  OutputQueue queue{kStart};
  EXPECT_EQ(queue.size(), 0U);
  queue.append("first", 2, {});
  queue.append("second", 0, {});
  queue.append("third", 5, {});
  EXPECT_EQ(queue.front(), "rstsecond");
  EXPECT_EQ(queue.size(), 9U);
}

TEST(OutputQueueTest, CompletesAReplyWhenItsLastByteGoes) {
  OutputQueue queue{kStart};
  queue.append("onetwothree", 0, {{3, kStart + 1s}, {6, kStart + 2s}, {11, kStart + 3s}});
  EXPECT_EQ(queue.replies(), 3U);
  EXPECT_EQ(completed_by(queue, 2), Times{});
  EXPECT_EQ(completed_by(queue, 1), Times{kStart + 1s});
  EXPECT_EQ(queue.replies(), 2U);
  EXPECT_EQ(completed_by(queue, 8), (Times{kStart + 2s, kStart + 3s}));
  EXPECT_EQ(queue.replies(), 0U);
}

TEST(OutputQueueTest, LeavesOutRepliesThatWereSentBefore) {
  OutputQueue queue{kStart};
  queue.append("onetwothree", 6, {{3, kStart + 1s}, {6, kStart + 2s}, {11, kStart + 3s}});
  EXPECT_EQ(queue.replies(), 1U);
  EXPECT_EQ(completed_by(queue, 5), Times{kStart + 3s});
}

TEST(OutputQueueTest, KeepsAReplyOfWhichOneByteWaits) {
  OutputQueue queue{kStart};
  queue.append("one", 2, {{3, kStart + 1s}});
  EXPECT_EQ(queue.replies(), 1U);
  EXPECT_EQ(completed_by(queue, 1), Times{kStart + 1s});
}

TEST(OutputQueueTest, RemembersWhenTheSocketLastTookAByte) {
  OutputQueue queue{kStart};
  EXPECT_EQ(queue.progress_at(), kStart);
  queue.append("text", 0, {});
  EXPECT_EQ(queue.progress_at(), kStart);
  completed_by(queue, 1, kStart + 5s);
  EXPECT_EQ(queue.progress_at(), kStart + 5s);
}

TEST(OutputQueueDeathTest, RefusesToForgetMoreThanItHolds) {
  OutputQueue queue{kStart};
  queue.append("text", 1, {});
  EXPECT_DEATH(completed_by(queue, 4), "assertion failed: count <= size");
  EXPECT_DEATH(queue.append("text", 5, {}), "assertion failed: sent <= batch.size");
}

// The same promises, kept the slow way.
struct Model {
  struct Mark {
    std::size_t end;
    Clock::time_point asked_at;
  };

  void append(std::string_view batch, std::size_t sent, const std::vector<ReplyMark>& replies) {
    for (const auto& reply : replies) {
      if (reply.end > sent) marks.push_back({bytes.size() + reply.end - sent, reply.asked_at});
    }
    bytes += batch.substr(sent);
  }

  Times consume(std::size_t count) {
    bytes.erase(0, count);
    Times completed;
    std::vector<Mark> left;
    for (const auto& mark : marks) {
      if (mark.end <= count) {
        completed.push_back(mark.asked_at);
      } else {
        left.push_back({mark.end - count, mark.asked_at});
      }
    }
    marks = left;
    return completed;
  }

  std::string bytes;
  std::vector<Mark> marks;
};

class RandomBatches {
 public:
  std::size_t up_to(std::size_t most) { return random_() % (most + 1); }

  // A batch of up to nine replies; each is asked for at a time of its own.
  void next() {
    text.clear();
    replies.clear();
    for (auto count = up_to(9); count > 0; --count) {
      text.append(up_to(300), static_cast<char>('a' + up_to(25)));
      replies.push_back({text.size(), asked_at_ += 1ms});
    }
  }

  std::string text;
  std::vector<ReplyMark> replies;

 private:
  std::mt19937 random_{1024};
  Clock::time_point asked_at_ = kStart;
};

TEST(OutputQueueTest, AgreesWithASlowModelUnderRandomOperations) {
  RandomBatches batch;
  Model model;
  OutputQueue queue{kStart};
  for (int step = 0; step < 20'000; ++step) {
    if (model.bytes.size() < 20'000 && batch.up_to(1) == 0) {
      batch.next();
      const auto sent = batch.up_to(batch.text.size());
      queue.append(batch.text, sent, batch.replies);
      model.append(batch.text, sent, batch.replies);
    } else {
      const auto count = batch.up_to(model.bytes.size());
      ASSERT_EQ(completed_by(queue, count), model.consume(count));
    }
    ASSERT_EQ(queue.front(), model.bytes);
    ASSERT_EQ(queue.size(), model.bytes.size());
    ASSERT_EQ(queue.replies(), model.marks.size());
  }
}

long peak_memory_kib() {
  ::rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

TEST(OutputQueueTest, GivesBackThePlaceOfWhatWasSentThoughItIsNeverEmpty) {
  constexpr int kBatches = 16'384;
  const std::string batch(16 * 1024, 'x');
  const std::vector<ReplyMark> replies(100, {batch.size(), kStart});
  OutputQueue queue{kStart};
  queue.append(batch, 0, replies);
  std::size_t completed = 0;
  const auto peak = peak_memory_kib();
  for (int i = 0; i < kBatches; ++i) {
    queue.append(batch, 0, replies);
    queue.consume(batch.size(), kStart, [&](auto) { ++completed; });
  }
  // 256 MiB of text and 25 MiB of marks went through.
  EXPECT_LT(peak_memory_kib() - peak, 16 * 1024);
  EXPECT_EQ(completed, kBatches * replies.size());
  EXPECT_EQ(queue.front(), batch);
}

}  // namespace
}  // namespace chatgate::net
