#include <random>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include <chatgate/protocol/line_framer.h>
#include <chatgate/session/plain_lines.h>

namespace chatgate::session {
namespace {

constexpr base::Clock::time_point kAskedAt{std::chrono::seconds{7}};

ListenerProfile profile(std::string_view reply = "<{message}>\n") {
  ListenerProfile profile;
  profile.reply = *protocol::Template::parse(reply);
  return profile;
}

struct Answered {
  std::string replies;
  std::string rest;
  std::size_t count = 0;
};

Answered answer(std::string_view input, const ListenerProfile& profile) {
  Batch batch;
  const auto count = answer_plain_lines(input, profile, kAskedAt, batch);
  EXPECT_EQ(batch.replies.size(), count);
  return {std::string{batch.text.view()}, std::string{input}, count};
}

TEST(PlainLinesTest, AreAnsweredInOrder) {
  const auto answered = answer("one\r\ntwo\n\nthree\n", profile());
  EXPECT_EQ(answered.replies, "<one>\n<two>\n<>\n<three>\n");
  EXPECT_EQ(answered.rest, "");
  EXPECT_EQ(answered.count, 4U);
}

TEST(PlainLinesTest, LeaveAnUnfinishedLine) {
  EXPECT_EQ(answer("one\ntw", profile()).rest, "tw");
  EXPECT_EQ(answer("on", profile()).rest, "on");
  EXPECT_EQ(answer("one\r", profile()).rest, "one\r");
}

TEST(PlainLinesTest, LeaveALineThatIsNotPlain) {
  using namespace std::string_view_literals;
  EXPECT_EQ(answer("one\nzw\xc3\xb6lf\nthree\n", profile()).rest, "zw\xc3\xb6lf\nthree\n");
  EXPECT_EQ(answer("one\n\xff\xf6two\n", profile()).rest, "\xff\xf6two\n");
  EXPECT_EQ(answer("one\nt\0wo\n"sv, profile()).rest, "t\0wo\n"sv);
}

TEST(PlainLinesTest, LeaveALineThatIsTooLong) {
  auto narrow = profile();
  narrow.service.max_message = base::Bytes{4};
  const auto answered = answer("four\r\nfives\nsix\n", narrow);
  EXPECT_EQ(answered.replies, "<four>\n");
  EXPECT_EQ(answered.rest, "fives\nsix\n");
}

TEST(PlainLinesTest, StopAtTheMostRepliesOfABatch) {
  std::string input;
  for (std::size_t i = 0; i < kUnansweredMax + 3; ++i) input += "x\n";
  const auto answered = answer(input, profile());
  EXPECT_EQ(answered.count, kUnansweredMax);
  EXPECT_EQ(answered.rest, "x\nx\nx\n");
}

TEST(PlainLinesTest, StopOnceABatchIsAboveTheSoftLimit) {
  auto tight = profile("{message}\n");
  tight.output.soft = base::Bytes{5};
  const auto answered = answer("one\ntwo\nsix\n", tight);
  EXPECT_EQ(answered.replies, "one\ntwo\n");  // 4 bytes are not above it, 8 are.
  EXPECT_EQ(answered.rest, "six\n");
}

TEST(PlainLinesTest, TellSinceWhenAndUpToWhereEachReplyIs) {
  Batch batch;
  std::string_view input = "a\nbc\n";
  answer_plain_lines(input, profile(), kAskedAt, batch);
  ASSERT_EQ(batch.replies.size(), 2U);
  EXPECT_EQ(batch.replies[0].end, 4U);
  EXPECT_EQ(batch.replies[1].end, 9U);
  EXPECT_EQ(batch.replies[1].asked_at, kAskedAt);
}

TEST(PlainLinesTest, AreForServicesThatNeedNoMoreThanTheMessage) {
  EXPECT_TRUE(answers_plain_lines(profile()));
  EXPECT_TRUE(answers_plain_lines(profile("no placeholder\n")));
  EXPECT_FALSE(answers_plain_lines(profile("{message} {count}\n")));
  auto quits = profile();
  quits.service.quit_words = {"bye"};
  EXPECT_FALSE(answers_plain_lines(quits));
  auto few = profile();
  few.service.messages_per_session = 1;
  EXPECT_FALSE(answers_plain_lines(few));
  auto whole_reads = profile();
  whole_reads.service.framing = Framing::Read;
  EXPECT_FALSE(answers_plain_lines(whole_reads));
}

// The short way and the general one, on random lines: what one takes off, the other frames alike.
TEST(PlainLinesTest, AreWhatTheFramerCuts) {
  std::minstd_rand random{42};
  const std::string_view bytes{"ab\r\n\n\0\xff\xc3\xb6 ", 11};
  const auto echo = profile("{message}\n");
  for (int round = 0; round < 20'000; ++round) {
    std::string input;
    for (auto size = random() % 40; size > 0; --size) {
      // Rarely what is not plain, or no line would be answered.
      input += random() % 8 == 0 ? bytes[random() % bytes.size()] : "ab\r\n"[random() % 4];
    }
    const auto answered = answer(input, echo);
    protocol::LineFramer framer;
    std::string expected;
    std::string_view taken{input.data(), input.size() - answered.rest.size()};
    while (!taken.empty()) {
      const auto frame = framer.next(taken, 4096);
      ASSERT_EQ(frame.kind, protocol::Frame::Kind::Message);
      expected.append(frame.message).append("\n");
    }
    ASSERT_FALSE(framer.has_partial());
    ASSERT_EQ(answered.replies, expected);
  }
}

}  // namespace
}  // namespace chatgate::session
