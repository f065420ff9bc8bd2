#include <gmock/gmock.h>

#include <chatgate/ctl/reports.h>

namespace chatgate::ctl {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(ReportsTest, ShowsTheStatusInLines) {
  const auto text = status_text(
      R"({"version": "1.2.3", "pid": 7, "state": "draining", "uptime_seconds": 75, "drain_phase": 4,
          "connections": {"open": 25, "limit": 100, "accepted_total": 30, "rejected_total": 1,
                          "closed_total": 4},
          "listeners": [{"name": "public", "address": "[::]:1935", "open": 25, "limit": 100}],
          "workers": [{"worker": 0, "connections": 25, "busy_ratio": 0.125}],
          "config": {"file": "/etc/c.yaml", "last_reload": {"outcome": "rejected", "keys": [],
                     "errors": ["/etc/c.yaml:1:2: bad"], "at": "2024-05-01T12:00:00.250Z"}}})");
  EXPECT_THAT(text, HasSubstr("state        draining, up 1m15s\n"));
  EXPECT_THAT(text, HasSubstr("open         25 of 100 (25 %)\n"));
  EXPECT_THAT(text, HasSubstr("drain        phase 4 of 5\n"));
  EXPECT_THAT(text, HasSubstr("listener     public at [::]:1935: 25 of 100\n"));
  EXPECT_THAT(text, HasSubstr("/etc/c.yaml, last reload rejected at 2024-05-01T12:00:00.250Z\n"));
  EXPECT_THAT(text, HasSubstr("             /etc/c.yaml:1:2: bad\n"));
}

TEST(ReportsTest, ShowsAnOverloadAndTheMemory) {
  const auto text = status_text(
      R"({"overload": {"level": 1, "cause": "memory", "memory_used": 48318382,
          "memory_budget": 60397977}})");
  EXPECT_THAT(text, HasSubstr("overload     level 1 of 2, because of memory\n"));
  EXPECT_THAT(text, HasSubstr("memory       46.1 MiB of 57.6 MiB (80 %)\n"));
  EXPECT_THAT(status_text(R"({"overload": {"level": 0}})"), Not(HasSubstr("overload")));
}

TEST(ReportsTest, ShowsADashForWhatIsMissing) {
  EXPECT_THAT(status_text("{}"), HasSubstr("state        -, up 0.0s\n"));
  EXPECT_THAT(status_text("no JSON"), HasSubstr("open         - of -\n"));
}

TEST(ReportsTest, SaysWhatAListLeavesOut) {
  const auto text = connections_text(
      R"({"connections": [{"id": 7, "peer": "10.0.0.1:5", "listener": "public", "state": "reading",
          "age": 1.5, "idle": 0, "messages": 1200, "received_bytes": 1, "sent_bytes": 2,
          "output_bytes": 0}], "shown": 1, "matched": 9, "complete": false})");
  EXPECT_THAT(text, HasSubstr(" 7  10.0.0.1:5  public    reading  1.5s  0.0s      1.2k"));
  EXPECT_THAT(text, HasSubstr("1 of 9 shown"));
  EXPECT_THAT(text, HasSubstr("a worker did not answer in time"));
}

TEST(ReportsTest, ShowsAReloadLineByLine) {
  EXPECT_EQ(reload_text(R"({"outcome": "applied", "keys": ["a.b", "c"], "errors": []})"),
            "applied\n  a.b\n  c\n");
}

// The quotes of a mistake are those that `chatgate check` prints.
TEST(ReportsTest, ShowsAMistakeAsItWasWritten) {
  constexpr auto kRejected = R"({"outcome": "rejected", "keys": [],
      "errors": ["c.yaml:2:3: name: must be a name, got \"pub\\\\lic\\\\x1b\""]})";
  EXPECT_EQ(reload_text(kRejected),
            R"(rejected
  c.yaml:2:3: name: must be a name, got "pub\\lic\\x1b"
)");
}

TEST(ReportsTest, ShowsNothingThatWouldSteerATerminal) {
  EXPECT_EQ(result_text(R"({"result": "a\u001b[31mb\nc"})"), "a\\x1b[31mb\\x0ac\n");
}

TEST(ReportsTest, ShowsTheSentenceOfAControl) {
  EXPECT_EQ(result_text(R"({"result": "draining"})"), "draining\n");
}

}  // namespace
}  // namespace chatgate::ctl
