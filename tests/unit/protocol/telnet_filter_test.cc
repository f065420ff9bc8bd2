#include <initializer_list>
#include <ostream>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include <chatgate/protocol/telnet_filter.h>

namespace chatgate::protocol {
namespace {

constexpr int kSe = 240, kNop = 241, kDm = 242, kBrk = 243, kIp = 244, kAo = 245, kAyt = 246,
              kEc = 247, kEl = 248, kGa = 249, kSb = 250, kWill = 251, kWont = 252, kDo = 253,
              kDont = 254, kIac = 255;
constexpr int kBinary = 0, kEcho = 1, kSga = 3, kTimingMark = 6, kTtype = 24, kNaws = 31,
              kLinemode = 34, kCharset = 42;

std::string bytes(std::initializer_list<int> values) {
  std::string text;
  for (const int value : values) text.push_back(static_cast<char>(value));
  return text;
}

std::string command(int code) { return bytes({kIac, code}); }

std::string option(int verb, int option) { return bytes({kIac, verb, option}); }

std::string subnegotiation(int option, std::string_view content) {
  return bytes({kIac, kSb, option}) + std::string{content} + bytes({kIac, kSe});
}

// What a conversation gave: events stand in the data as `<clear>` and `<abuse>`.
struct Outcome {
  std::string data;
  std::string reply;

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

void PrintTo(const Outcome& outcome, std::ostream* out) {
  *out << ::testing::PrintToString(outcome.data) << " answered "
       << ::testing::PrintToString(outcome.reply);
}

void feed(TelnetFilter& filter, std::string_view read, Outcome& outcome) {
  while (!read.empty()) {
    const auto step = filter.step(read, outcome.reply);
    EXPECT_TRUE(step.data.empty() || step.event == TelnetFilter::Event::None);
    outcome.data += step.data;
    if (step.event == TelnetFilter::Event::ClearLine) outcome.data += "<clear>";
    if (step.event == TelnetFilter::Event::AbuseLimit) outcome.data += "<abuse>";
  }
}

Outcome feed(TelnetFilter& filter, std::string_view read) {
  Outcome outcome;
  feed(filter, read, outcome);
  return outcome;
}

struct Exchange {
  const char* name;
  std::string sent;
  Outcome outcome;
};

void PrintTo(const Exchange& exchange, std::ostream* out) { *out << exchange.name; }

class ExchangeTest : public ::testing::TestWithParam<Exchange> {};

TEST_P(ExchangeTest, HappensInOneRead) {
  TelnetFilter filter;
  EXPECT_EQ(feed(filter, GetParam().sent), GetParam().outcome);
}

TEST_P(ExchangeTest, HappensInAnyTwoReads) {
  const std::string_view sent = GetParam().sent;
  for (std::size_t split = 0; split <= sent.size(); ++split) {
    TelnetFilter filter;
    Outcome outcome;
    feed(filter, sent.substr(0, split), outcome);
    feed(filter, sent.substr(split), outcome);
    ASSERT_EQ(outcome, GetParam().outcome) << "split at " << split;
  }
}

TEST_P(ExchangeTest, HappensByteByByte) {
  TelnetFilter filter;
  Outcome outcome;
  for (const char byte : GetParam().sent) feed(filter, {&byte, 1}, outcome);
  EXPECT_EQ(outcome, GetParam().outcome);
}

std::string name_of_exchange(const ::testing::TestParamInfo<Exchange>& instance) {
  return instance.param.name;
}

INSTANTIATE_TEST_SUITE_P(
    Commands, ExchangeTest,
    ::testing::Values(Exchange{"PlainText", "hello\r\n", {"hello\r\n", ""}},
                      Exchange{"EscapedIac", "a" + command(kIac) + "b", {"a\xff\x62", ""}},
                      Exchange{"TwoEscapedIac", command(kIac) + command(kIac), {"\xff\xff", ""}},
                      Exchange{"AreYouThere", "a" + command(kAyt) + "b", {"ab", "[yes]\r\n"}},
                      Exchange{"Interrupt", "a" + command(kIp) + "b", {"a<clear>b", ""}},
                      Exchange{"Break", "a" + command(kBrk) + "b", {"a<clear>b", ""}},
                      Exchange{"EraseLine", "a" + command(kEl) + "b", {"a<clear>b", ""}},
                      Exchange{"EraseCharacterInLineMode", "a" + command(kEc) + "b", {"ab", ""}},
                      Exchange{"EraseCharacterInCharacterMode",
                               option(kDo, kSga) + "a" + command(kEc) + "b",
                               {"a\bb", option(kWill, kSga)}},
                      Exchange{"IgnoredCommands",
                               command(kNop) + command(kDm) + "x" + command(kAo) + command(kGa) +
                                   command(kSe) + command(0) + command('a'),
                               {"x", ""}},
                      Exchange{"InterruptAsTelnetSendsIt",
                               "a" + command(kIp) + option(kDo, kTimingMark) + "b" + command(kIp) +
                                   option(kDo, kTimingMark),
                               {"a<clear>b<clear>",
                                option(kWont, kTimingMark) + option(kWont, kTimingMark)}}),
    name_of_exchange);

// The Q method (RFC 1143) of a side that asks for nothing: from NO and from YES, each verb.
INSTANTIATE_TEST_SUITE_P(
    QMethod, ExchangeTest,
    ::testing::Values(
        Exchange{"NoAndWill", option(kWill, kSga), {"", option(kDo, kSga)}},
        Exchange{"NoAndWont", option(kWont, kSga), {"", ""}},
        Exchange{"NoAndDo", option(kDo, kSga), {"", option(kWill, kSga)}},
        Exchange{"NoAndDont", option(kDont, kSga), {"", ""}},
        Exchange{"YesAndWill", option(kWill, kSga) + option(kWill, kSga), {"", option(kDo, kSga)}},
        Exchange{"YesAndWont",
                 option(kWill, kSga) + option(kWont, kSga),
                 {"", option(kDo, kSga) + option(kDont, kSga)}},
        Exchange{"YesAndDo", option(kDo, kSga) + option(kDo, kSga), {"", option(kWill, kSga)}},
        Exchange{"YesAndDont",
                 option(kDo, kSga) + option(kDont, kSga),
                 {"", option(kWill, kSga) + option(kWont, kSga)}},
        Exchange{"OffAndOnAgain",
                 option(kDo, kSga) + option(kDont, kSga) + option(kDo, kSga),
                 {"", option(kWill, kSga) + option(kWont, kSga) + option(kWill, kSga)}},
        Exchange{"SidesApart",
                 option(kDo, kBinary) + option(kWont, kBinary) + option(kWill, kBinary),
                 {"", option(kWill, kBinary) + option(kDo, kBinary)}},
        Exchange{"RefusedWill", option(kWill, kLinemode), {"", option(kDont, kLinemode)}},
        Exchange{"RefusedDo", option(kDo, kEcho), {"", option(kWont, kEcho)}},
        Exchange{"RefusedOnce",
                 option(kDo, kEcho) + option(kDont, kEcho) + option(kDo, kEcho),
                 {"", option(kWont, kEcho)}},
        Exchange{"RefusedOnceOnEachSide",
                 option(kDo, kEcho) + option(kWill, kEcho) + option(kWill, kEcho),
                 {"", option(kWont, kEcho) + option(kDont, kEcho)}},
        Exchange{"ClientOptions",
                 option(kWill, kNaws) + option(kWill, kTtype) + option(kWill, kCharset),
                 {"", option(kDo, kNaws) + option(kDo, kTtype) + option(kDo, kCharset)}},
        Exchange{"ClientOptionsAreNotOurs",
                 option(kDo, kNaws) + option(kDo, kTtype),
                 {"", option(kWont, kNaws) + option(kWont, kTtype)}},
        Exchange{"OptionNumberedIac", option(kDo, kIac) + "a", {"a", option(kWont, kIac)}}),
    name_of_exchange);

const auto kCharsetOn = option(kWill, kCharset);
const auto kCharsetAgreed = option(kDo, kCharset);

INSTANTIATE_TEST_SUITE_P(
    Subnegotiations, ExchangeTest,
    ::testing::Values(
        Exchange{"WindowSize",
                 option(kWill, kNaws) + "a" + subnegotiation(kNaws, bytes({0, 80, 0, 24})) + "b",
                 {"ab", option(kDo, kNaws)}},
        Exchange{"WindowSizeWithEscapedIac",
                 "a" + subnegotiation(kNaws, bytes({0, kIac, kIac, 0, 24})) + "b",
                 {"ab", ""}},
        Exchange{"Utf8Offered",
                 kCharsetOn + subnegotiation(kCharset, "\1;ISO-8859-1;utf-8"),
                 {"", kCharsetAgreed + subnegotiation(kCharset, "\2utf-8")}},
        Exchange{"Utf8OfferedFirst",
                 kCharsetOn + subnegotiation(kCharset, "\1 UTF-8 US-ASCII"),
                 {"", kCharsetAgreed + subnegotiation(kCharset, "\2UTF-8")}},
        Exchange{"Utf8OfferedWithTranslationTable",
                 kCharsetOn + subnegotiation(kCharset, "\1[TTABLE ]\1;UTF-8"),
                 {"", kCharsetAgreed + subnegotiation(kCharset, "\2UTF-8")}},
        Exchange{"Utf8NotOffered",
                 kCharsetOn + subnegotiation(kCharset, "\1;KOI8-R;UTF-80;UTF-"),
                 {"", kCharsetAgreed + subnegotiation(kCharset, "\3")}},
        Exchange{"NothingOffered",
                 kCharsetOn + subnegotiation(kCharset, "\1"),
                 {"", kCharsetAgreed + subnegotiation(kCharset, "\3")}},
        Exchange{
            "OfferedTwice",
            kCharsetOn + subnegotiation(kCharset, "\1;UTF-8;") + subnegotiation(kCharset, "\1;b"),
            {"", kCharsetAgreed + subnegotiation(kCharset, "\2UTF-8") +
                     subnegotiation(kCharset, "\3")}},
        Exchange{"OfferedWithoutTheOption", subnegotiation(kCharset, "\1;UTF-8"), {"", ""}},
        Exchange{"OtherCharsetCommand",
                 kCharsetOn + subnegotiation(kCharset, "\2UTF-8"),
                 {"", kCharsetAgreed}},
        Exchange{"Unknown", "a" + subnegotiation(200, "whatever") + "b", {"ab", ""}},
        Exchange{"EndForgotten",
                 kCharsetOn + bytes({kIac, kSb, kCharset, 1}) + ";UTF-8" + command(kIp) + "b",
                 {"<clear>b", kCharsetAgreed}},
        Exchange{"Unfinished", "a" + bytes({kIac, kSb, kNaws}) + "bc\r\n", {"a", ""}}),
    name_of_exchange);

TEST(TelnetFilterTest, HandsOutViewsIntoTheInput) {
  TelnetFilter filter;
  const std::string read = "one" + command(kIac) + "two";
  std::string_view input = read;
  std::string reply;
  EXPECT_EQ(filter.step(input, reply).data.data(), read.data());
  EXPECT_EQ(filter.step(input, reply).data.data(), read.data() + 4);
  EXPECT_TRUE(input.empty());
}

TEST(TelnetFilterTest, AppendsToTheReply) {
  TelnetFilter filter;
  std::string reply = "before ";
  const auto sent = command(kAyt);
  std::string_view input = sent;
  filter.step(input, reply);
  EXPECT_EQ(reply, "before [yes]\r\n");
}

TEST(TelnetFilterTest, IsInCharacterModeWhileWeSuppressGoAhead) {
  TelnetFilter filter;
  EXPECT_FALSE(filter.character_mode());
  feed(filter, option(kWill, kSga));
  EXPECT_FALSE(filter.character_mode());
  feed(filter, option(kDo, kSga));
  EXPECT_TRUE(filter.character_mode());
  feed(filter, option(kDont, kSga));
  EXPECT_FALSE(filter.character_mode());
}

TEST(TelnetFilterTest, IsBinaryWhileTheClientSendsSo) {
  TelnetFilter filter;
  feed(filter, option(kDo, kBinary));
  EXPECT_FALSE(filter.binary());
  feed(filter, option(kWill, kBinary));
  EXPECT_TRUE(filter.binary());
  feed(filter, option(kWont, kBinary));
  EXPECT_FALSE(filter.binary());
}

TEST(TelnetFilterTest, GivesDataAfterTheModeThatHoldsForThem) {
  TelnetFilter filter;
  const auto sent = "a" + option(kDo, kSga) + "b";
  std::string_view input = sent;
  std::string reply;
  EXPECT_EQ(filter.step(input, reply).data, "a");
  EXPECT_FALSE(filter.character_mode());
  EXPECT_EQ(filter.step(input, reply).data, "b");
  EXPECT_TRUE(filter.character_mode());
}

std::string option_changes(std::size_t count) {
  std::string sent;
  for (std::size_t i = 0; i < count; ++i) sent += option(i % 2 == 0 ? kDo : kDont, kSga);
  return sent;
}

TEST(TelnetFilterTest, AllowsTheGreatestNumberOfOptionChanges) {
  TelnetFilter filter;
  const auto outcome = feed(filter, option_changes(kTelnetOptionChangesMax) + "a");
  EXPECT_EQ(outcome.data, "a");
  EXPECT_EQ(outcome.reply.size(), 3 * kTelnetOptionChangesMax);
}

TEST(TelnetFilterTest, EndsWithOneOptionChangeMore) {
  TelnetFilter filter;
  const auto outcome = feed(filter, option_changes(kTelnetOptionChangesMax + 1) + "a");
  EXPECT_EQ(outcome.data, "<abuse><abuse>");
  EXPECT_EQ(outcome.reply.size(), 3 * kTelnetOptionChangesMax);
  EXPECT_EQ(feed(filter, "b"), (Outcome{"<abuse>", ""}));
}

TEST(TelnetFilterTest, CountsRefusalsAsOptionChanges) {
  TelnetFilter filter;
  std::string sent;
  for (int i = 100; i <= 100 + static_cast<int>(kTelnetOptionChangesMax); ++i) {
    sent += option(kWill, i);
  }
  EXPECT_EQ(feed(filter, sent).data, "<abuse>");
}

TEST(TelnetFilterTest, CountsNoRequestThatChangesNothing) {
  TelnetFilter filter;
  std::string sent;
  for (std::size_t i = 0; i < 10 * kTelnetOptionChangesMax; ++i) {
    sent += option(kDo, kEcho) + option(kDo, kSga) + option(kDo, kTimingMark);
  }
  EXPECT_EQ(feed(filter, sent + "a").data, "a");
}

TEST(TelnetFilterTest, AllowsTheGreatestSubnegotiation) {
  TelnetFilter filter;
  const std::string content(kTelnetSubnegotiationBytesMax, 'x');
  EXPECT_EQ(feed(filter, subnegotiation(kCharset, content) + "a").data, "a");
}

TEST(TelnetFilterTest, EndsWithOneByteOfSubnegotiationMoreInTheWholeSession) {
  TelnetFilter filter;
  const std::string half(kTelnetSubnegotiationBytesMax / 2, 'x');
  EXPECT_EQ(feed(filter, subnegotiation(kNaws, half) + subnegotiation(kTtype, half)).data, "");
  EXPECT_EQ(feed(filter, subnegotiation(kNaws, "x")).data, "<abuse><abuse>");
}

}  // namespace
}  // namespace chatgate::protocol
