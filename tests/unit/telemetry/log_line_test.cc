#include "log_line.h"

#include <array>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace chatgate::telemetry {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

constexpr std::chrono::microseconds kTime{1'795'410'367'123'456};

std::string line(std::string_view name, std::initializer_list<Field> fields,
                 LogFormat format = LogFormat::Text, Envelope envelope = Envelope::Timed,
                 LogLevel level = LogLevel::Info) {
  LineBuffer out;
  append_event(out, {level, name, fields}, format, envelope, kTime);
  return fmt::to_string(out);
}

// The value of one field in a text line.
std::string text_value(const Field& field) {
  const auto whole = line("e", {field});
  const auto start = whole.find("v=") + 2;
  return whole.substr(start, whole.size() - 1 - start);
}

TEST(LogLineTest, IsTimeLevelEventAndFieldsInOrder) {
  EXPECT_EQ(line("session_closed", {{"id", 12U},
                                    {"peer", "127.0.0.1:5000"},
                                    {"reason", std::string{"client_eof"}},
                                    {"duration", 1234567us}}),
            "2026-11-23T05:06:07.123456Z info event=session_closed id=12 peer=127.0.0.1:5000 "
            "reason=client_eof duration=1.235s\n");
}

TEST(LogLineTest, IsAnObjectInJson) {
  EXPECT_EQ(line("session_closed",
                 {{"id", 12U}, {"peer", "127.0.0.1:5000"}, {"duration", 1234567us}, {"ok", true}},
                 LogFormat::Json),
            "{\"time\":\"2026-11-23T05:06:07.123456Z\",\"level\":\"info\","
            "\"event\":\"session_closed\",\"id\":12,\"peer\":\"127.0.0.1:5000\","
            "\"duration\":1.234567,\"ok\":true}\n");
}

TEST(LogLineTest, TellsTheJournalsStreamThePriorityInPlaceOfTheTime) {
  const auto prioritised = [](LogLevel level, LogFormat format) {
    return line("e", {{"n", 1}}, format, Envelope::Prioritised, level);
  };
  EXPECT_EQ(prioritised(LogLevel::Debug, LogFormat::Text), "<7>debug event=e n=1\n");
  EXPECT_EQ(prioritised(LogLevel::Info, LogFormat::Text), "<6>info event=e n=1\n");
  EXPECT_EQ(prioritised(LogLevel::Warn, LogFormat::Text), "<4>warn event=e n=1\n");
  EXPECT_EQ(prioritised(LogLevel::Error, LogFormat::Json),
            "<3>{\"level\":\"error\",\"event\":\"e\",\"n\":1}\n");
}

TEST(LogLineTest, WritesEachKindOfValueAsText) {
  EXPECT_EQ(text_value({"v", -5}), "-5");
  EXPECT_EQ(text_value({"v", std::numeric_limits<std::uint64_t>::max()}), "18446744073709551615");
  EXPECT_EQ(text_value({"v", 0.25}), "0.25");
  EXPECT_EQ(text_value({"v", false}), "false");
  EXPECT_EQ(text_value({"v", 15min}), "900.000s");
  EXPECT_EQ(text_value({"v", "plain/värde:1"}), "plain/värde:1");
}

TEST(LogLineTest, QuotesTextThatAReaderWouldSplit) {
  EXPECT_EQ(text_value({"v", ""}), "\"\"");
  EXPECT_EQ(text_value({"v", "a b"}), "\"a b\"");
  EXPECT_EQ(text_value({"v", "a=b"}), "\"a=b\"");
  EXPECT_EQ(text_value({"v", "a\"b"}), R"("a\"b")");
  EXPECT_EQ(text_value({"v", "a\\b"}), R"("a\\b")");
  EXPECT_EQ(text_value({"v", "a\nlevel=error"}), R"("a\x0alevel=error")");
  EXPECT_EQ(text_value({"v", "\xff"}), R"("\xff")");
}

TEST(LogLineTest, GivesJsonNoNumberThatItDoesNotKnow) {
  const auto object = nlohmann::json::parse(
      line("e", {{"a", std::numeric_limits<double>::infinity()}, {"b", 1e300}}, LogFormat::Json));
  EXPECT_TRUE(object["a"].is_null());
  EXPECT_EQ(object["b"], 1e300);
}

// Every byte on its own and before and after each of some that begin, continue or end something.
std::vector<std::string> nasty_values() {
  std::vector<std::string> values;
  for (int byte = 0; byte < 256; ++byte) {
    const std::string one(1, static_cast<char>(byte));
    values.push_back(one);
    for (const std::string other :
         {"\xc3", "\xa9", "\xe2\x80", "\xf0\x9f", "\xed", "\\", "\"", "a"}) {
      values.push_back(one + other);
      values.push_back(other + one);
    }
  }
  return values;
}

TEST(LogLineTest, IsOneLineOfValidJsonWhateverTheBytes) {
  for (const auto& value : nasty_values()) {
    const auto whole = line(value, {{"v", value}, {"after", 1}}, LogFormat::Json);
    const auto object = nlohmann::json::parse(whole, nullptr, false);
    ASSERT_FALSE(object.is_discarded()) << whole;
    EXPECT_EQ(object["after"], 1);
    EXPECT_EQ(whole.find('\n'), whole.size() - 1);
  }
}

TEST(LogLineTest, IsOneLineWithTheSameFieldsWhateverTheBytes) {
  for (const auto& value : nasty_values()) {
    const auto whole = line(value, {{"v", value}, {"after", 1}});
    EXPECT_EQ(whole.find_first_of(std::string_view{"\n\r\x1b\0", 4}), whole.size() - 1);
    EXPECT_TRUE(whole.ends_with(" after=1\n")) << whole;
  }
}

TEST(LogLineTest, KeepsTheTextThatIsValidInJson) {
  const std::string value = "收到\u202e\x1b\xff\"\\";
  const auto object = nlohmann::json::parse(line("e", {{"v", value}}, LogFormat::Json));
  EXPECT_EQ(object["v"], "收到\u202e\x1b\ufffd\"\\");
}

TEST(LogLineTest, GivesTheJournalEachFieldByName) {
  const auto encoded = line("session_closed", {{"bytes_in", 5U}, {"peer", "a\nb"}, {"took", 2ms}},
                            LogFormat::Text, Envelope::Journal, LogLevel::Warn);
  std::vector<std::string> fields;
  for (std::string_view rest = encoded; !rest.empty();) {
    fields.emplace_back(take_journal_field(rest));
  }
  EXPECT_THAT(
      fields,
      ElementsAre(R"(MESSAGE=warn event=session_closed bytes_in=5 peer="a\x0ab" took=0.002s)",
                  "PRIORITY=4", "SYSLOG_IDENTIFIER=chatgate", "CHATGATE_EVENT=session_closed",
                  "CHATGATE_BYTES_IN=5", R"(CHATGATE_PEER=a\x0ab)", "CHATGATE_TOOK=0.002000"));
}

}  // namespace
}  // namespace chatgate::telemetry
