#include <limits>
#include <ostream>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include <chatgate/protocol/text_template.h>

namespace chatgate::protocol {
namespace {

using namespace std::chrono_literals;

// 2026-01-02T03:04:05.999Z
constexpr std::chrono::system_clock::time_point kTime{1'767'323'045'999ms};

TemplateValues values() {
  return {.message = "hello",
          .peer = "127.0.0.1:4000",
          .listener = "public",
          .subject = "CN=Ada",
          .session = 42,
          .count = 7,
          .connections = 3,
          .time = kTime};
}

std::string render(std::string_view text, const TemplateValues& with = values()) {
  const auto parsed = Template::parse(text);
  EXPECT_TRUE(parsed.has_value());
  std::string out;
  if (parsed) parsed->render(with, out);
  return out;
}

struct Rendering {
  const char* name;
  std::string_view text;
  std::string_view rendered;
};

void PrintTo(const Rendering& rendering, std::ostream* out) { *out << rendering.name; }

class RenderingTest : public ::testing::TestWithParam<Rendering> {};

TEST_P(RenderingTest, IsWhatTheTemplateSays) {
  EXPECT_EQ(render(GetParam().text), GetParam().rendered);
}

TEST_P(RenderingTest, IsNoLongerThanTheGreatestSize) {
  const auto parsed = Template::parse(GetParam().text);
  ASSERT_TRUE(parsed.has_value());
  EXPECT_LE(GetParam().rendered.size(), parsed->size_max(values().message.size()));
}

INSTANTIATE_TEST_SUITE_P(
    AllTexts, RenderingTest,
    ::testing::Values(Rendering{"Empty", "", ""},
                      Rendering{"Literal", "测试成功!\n", "测试成功!\n"},
                      Rendering{"Message", "{message}", "hello"},
                      Rendering{"Seed", "收到的信息:{message}\n", "收到的信息:hello\n"},
                      Rendering{"Peer", "{peer}", "127.0.0.1:4000"},
                      Rendering{"Listener", "{listener}", "public"},
                      Rendering{"Session", "{session}", "42"}, Rendering{"Count", "{count}", "7"},
                      Rendering{"Connections", "{connections}", "3"},
                      Rendering{"Subject", "{subject}", "CN=Ada"},
                      Rendering{"Time", "{time}", "2026-01-02T03:04:05Z"},
                      Rendering{"Several", "{count}: {message} ({peer}, {time})!",
                                "7: hello (127.0.0.1:4000, 2026-01-02T03:04:05Z)!"},
                      Rendering{"Repeated", "{message}{message}", "hellohello"},
                      Rendering{"Braces", "{{message}}", "{message}"},
                      Rendering{"BracesAroundAValue", "{{{message}}}", "{hello}"},
                      Rendering{"BracesOnly", "{{}}{{", "{}{"},
                      Rendering{"Json", "{{\"said\": \"{message}\"}}", "{\"said\": \"hello\"}"}),
    [](const auto& instance) { return instance.param.name; });

struct BadText {
  const char* name;
  std::string_view text;
  std::size_t offset;
  std::string_view message;
};

void PrintTo(const BadText& bad, std::ostream* out) { *out << bad.name; }

class BadTextTest : public ::testing::TestWithParam<BadText> {};

TEST_P(BadTextTest, IsReportedWithItsPlace) {
  const auto parsed = Template::parse(GetParam().text);
  ASSERT_FALSE(parsed.has_value());
  EXPECT_EQ(parsed.error().offset, GetParam().offset);
  EXPECT_EQ(parsed.error().message, GetParam().message);
}

constexpr auto kUnclosed = "{ without }; write {{ for a brace";
constexpr auto kSingle = "single }; write }} for a brace";

INSTANTIATE_TEST_SUITE_P(
    AllReasons, BadTextTest,
    ::testing::Values(
        BadText{"Misspelt", "say {mesage}", 4,
                "unknown placeholder {mesage}; did you mean {message}?"},
        BadText{"UpperCase", "{Time}", 0, "unknown placeholder {Time}; did you mean {time}?"},
        BadText{"Padded", "{ peer }", 0, "unknown placeholder { peer }; did you mean {peer}?"},
        BadText{"Unknown", "测{password}", 3,
                "unknown placeholder {password}; known are {message} {peer} {listener} {session} "
                "{time} {count} {connections} {subject}"},
        BadText{"Empty", "{}", 0,
                "unknown placeholder {}; known are {message} {peer} {listener} {session} {time} "
                "{count} {connections} {subject}"},
        BadText{"Long", "{a name that goes on and on and on and on}", 0,
                "unknown placeholder; write {{ for a brace"},
        BadText{"Unclosed", "a{message", 1, kUnclosed}, BadText{"LoneBrace", "a{", 1, kUnclosed},
        BadText{"BraceInBrace", "{\"a\": {message}}", 0, kUnclosed},
        BadText{"BraceOverALine", "{a\nb}", 0, kUnclosed},
        BadText{"SingleClosing", "a}b", 1, kSingle},
        BadText{"ClosingAfterAValue", "{message}}", 9, kSingle}),
    [](const auto& instance) { return instance.param.name; });

TEST(TemplateTest, AppendsToWhatIsThere) {
  std::string out = "> ";
  Template::parse("{message}").operator*().render(values(), out);
  EXPECT_EQ(out, "> hello");
}

TEST(TemplateTest, IsLiteralWithoutPlaceholders) {
  const auto literal = Template::parse("a{{b}}");
  ASSERT_TRUE(literal.has_value());
  EXPECT_TRUE(literal->is_literal());
  EXPECT_EQ(literal->literal(), "a{b}");

  const auto other = Template::parse("a{message}");
  ASSERT_TRUE(other.has_value());
  EXPECT_FALSE(other->is_literal());
}

TEST(TemplateTest, RendersNothingByDefault) {
  const Template empty;
  std::string out;
  empty.render(values(), out);
  EXPECT_TRUE(empty.is_literal());
  EXPECT_EQ(out, "");
}

TEST(TemplateTest, KnowsWhatItUses) {
  const auto parsed = Template::parse("{message} {time} {message}");
  ASSERT_TRUE(parsed.has_value());
  EXPECT_TRUE(parsed->uses(Placeholder::Message));
  EXPECT_TRUE(parsed->uses(Placeholder::Time));
  EXPECT_FALSE(parsed->uses(Placeholder::Peer));
  EXPECT_FALSE(parsed->uses(Placeholder::Connections));
}

TEST(TemplateTest, NeverRendersMoreThanTheGreatestSize) {
  const auto parsed = Template::parse(
      "a{message}{message}{peer}{listener}{session}{time}{count}{connections}{subject}");
  ASSERT_TRUE(parsed.has_value());
  const std::string message(100, 'm');
  const std::string peer(kPeerBytesMax, 'p');
  const std::string listener(kListenerBytesMax, 'l');
  const std::string subject(kSubjectBytesMax, 's');
  constexpr auto kMax = std::numeric_limits<std::uint64_t>::max();
  std::string out;
  parsed->render({.message = message,
                  .peer = peer,
                  .listener = listener,
                  .subject = subject,
                  .session = kMax,
                  .count = kMax,
                  .connections = kMax,
                  .time = std::chrono::system_clock::time_point::max()},
                 out);
  EXPECT_EQ(out.size(), parsed->size_max(message.size()));
}

TEST(TemplateTest, WritesEveryPartOfTheTime) {
  auto with = values();
  with.time = {};
  EXPECT_EQ(render("{time}", with), "1970-01-01T00:00:00Z");
  with.time = std::chrono::sys_days{std::chrono::year{2024} / 2 / 29} + 23h + 59min + 59s;
  EXPECT_EQ(render("{time}", with), "2024-02-29T23:59:59Z");
  with.time += 1s;
  EXPECT_EQ(render("{time}", with), "2024-03-01T00:00:00Z");
}

}  // namespace
}  // namespace chatgate::protocol
