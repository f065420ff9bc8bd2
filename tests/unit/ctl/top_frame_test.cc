#include <gmock/gmock.h>

#include <chatgate/ctl/top_frame.h>

namespace chatgate::ctl {
namespace {

using namespace std::chrono_literals;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr const char* kSessions =
    R"({"connections": [
        {"id": 7, "peer": "[2001:db8:1111:2222:3333:4444:5555:6666]:50000", "listener": "\u001b[1m",
         "state": "reading", "age": 3, "idle": 1, "messages": 2, "received_bytes": 3,
         "sent_bytes": 4},
        {"id": 8, "peer": "10.0.0.1:5", "listener": "public", "state": "reading"}]})";

TopSample sample(const char* metrics, std::chrono::seconds at) {
  return {R"({"version": "1", "pid": 7, "state": "ready",
              "connections": {"open": 2, "limit": 10}})",
          kSessions, Scrape{metrics}, std::chrono::steady_clock::time_point{at}};
}

TEST(TopFrameTest, FitsTheTerminalWhateverASessionHolds) {
  const auto now = sample("", 1s);
  for (const std::size_t columns : {20U, 80U, 200U}) {
    const auto frame = top_frame(now, now, "-messages", "trouble", 24, columns);
    EXPECT_THAT(frame, SizeIs(24));
    EXPECT_THAT(frame, Each(SizeIs(columns)));
  }
  EXPECT_THAT(top_frame(now, now, "age", "", 3, 80), SizeIs(3));
  EXPECT_THAT(top_frame(now, now, "age", "", 0, 80), SizeIs(0));
}

TEST(TopFrameTest, ShowsRatesBetweenTwoSamples) {
  const auto before = sample("chatgate_messages_received_total{listener=\"a\"} 100\n", 10s);
  const auto now = sample("chatgate_messages_received_total{listener=\"a\"} 700\n", 12s);
  EXPECT_THAT(top_frame(before, now, "-messages", "", 24, 80)[2], StartsWith("messages 300/s"));
  EXPECT_THAT(top_frame(now, now, "-messages", "", 24, 80)[2], StartsWith("messages -"));
}

TEST(TopFrameTest, ShowsTheOrderAndTheTrouble) {
  const auto now = sample("", 1s);
  const auto frame = top_frame(now, now, "-received_bytes", "gone\x1b", 24, 100);
  EXPECT_THAT(frame[4], StartsWith("gone\\x1b"));
  EXPECT_THAT(frame[5], HasSubstr(" vRECV "));
  EXPECT_THAT(frame[6], HasSubstr(" \\x1b[1m "));
}

}  // namespace
}  // namespace chatgate::ctl
