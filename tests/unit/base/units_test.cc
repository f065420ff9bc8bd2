#include <limits>
#include <ostream>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include <chatgate/base/units.h>

namespace chatgate::base {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

using std::chrono::nanoseconds;

// What is read from `text`, and how it is written again.
template <class Value>
struct Good {
  const char* name;
  std::string text;
  Value value;
  std::string canonical;
};

template <class Value>
void PrintTo(const Good<Value>& good, std::ostream* out) {
  *out << good.name;
}

struct Bad {
  const char* name;
  std::string text;
};

void PrintTo(const Bad& bad, std::ostream* out) { *out << bad.name; }

constexpr auto kNameOfCase = [](const auto& instance) { return instance.param.name; };

class GoodDurationTest : public ::testing::TestWithParam<Good<nanoseconds>> {};

TEST_P(GoodDurationTest, IsReadAndWrittenInItsShortestForm) {
  const auto& good = GetParam();
  EXPECT_EQ(parse_duration(good.text), good.value);
  EXPECT_EQ(to_text(good.value), good.canonical);
  EXPECT_EQ(parse_duration(good.canonical), good.value);
}

using GoodDuration = Good<nanoseconds>;

INSTANTIATE_TEST_SUITE_P(Durations, GoodDurationTest,
                         ::testing::Values(GoodDuration{"Nanoseconds", "7ns", 7ns, "7ns"},
                                           GoodDuration{"Microseconds", "20us", 20us, "20us"},
                                           GoodDuration{"Milliseconds", "250ms", 250ms, "250ms"},
                                           GoodDuration{"Seconds", "30s", 30s, "30s"},
                                           GoodDuration{"Minutes", "15m", 15min, "15m"},
                                           GoodDuration{"Hours", "2h", 2h, "2h"},
                                           GoodDuration{"Zero", "0ms", 0s, "0s"},
                                           GoodDuration{"Sum", "1m30s", 90s, "1m30s"},
                                           GoodDuration{"SumInOneUnit", "90s", 90s, "1m30s"},
                                           GoodDuration{"SumOfAll", "1h2m3s4ms5us6ns",
                                                        1h + 2min + 3s + 4ms + 5us + 6ns,
                                                        "1h2m3s4ms5us6ns"},
                                           GoodDuration{"Fraction", "1.5s", 1500ms, "1s500ms"},
                                           GoodDuration{"SmallFraction", "0.001s", 1ms, "1ms"},
                                           GoodDuration{"LeadingZero", "007s", 7s, "7s"},
                                           GoodDuration{"ManyMinutes", "1440m", 24h, "24h"}),
                         kNameOfCase);

class BadDurationTest : public ::testing::TestWithParam<Bad> {};

TEST_P(BadDurationTest, IsRefused) { EXPECT_EQ(parse_duration(GetParam().text), std::nullopt); }

INSTANTIATE_TEST_SUITE_P(
    Mistakes, BadDurationTest,
    ::testing::Values(Bad{"Empty", ""}, Bad{"NoUnit", "30"}, Bad{"ZeroWithoutUnit", "0"},
                      Bad{"UnitAlone", "s"}, Bad{"UnknownUnit", "30sec"}, Bad{"Day", "1d"},
                      Bad{"UpperCase", "30S"}, Bad{"Negative", "-1s"}, Bad{"Plus", "+1s"},
                      Bad{"SpaceBefore", " 1s"}, Bad{"SpaceInside", "1 s"},
                      Bad{"SpaceAfter", "1s "}, Bad{"SumWithoutLastUnit", "1m30"},
                      Bad{"Exponent", "1e3s"}, Bad{"Hex", "0x10s"}, Bad{"Infinity", "infs"},
                      Bad{"NotANumber", "nans"}, Bad{"NoWholePart", ".5s"},
                      Bad{"TwoPoints", "1.5.5s"}, Bad{"Comma", "1,5s"}, Bad{"NulInside", "1s\0"s},
                      Bad{"BeyondAHundredYears", "876001h"},
                      Bad{"SumBeyondAHundredYears", "876000h1s"},
                      Bad{"BeyondAnyNumber", std::string(400, '9') + "s"}),
    kNameOfCase);

TEST(DurationTextTest, ReadsBackToTheSameValue) {
  std::mt19937_64 random{99};
  std::uniform_int_distribution<std::int64_t> values{0, nanoseconds{30 * 24h}.count()};
  for (int i = 0; i < 10'000; ++i) {
    const nanoseconds value{values(random)};
    ASSERT_EQ(parse_duration(to_text(value)), value) << to_text(value);
  }
}

class GoodBytesTest : public ::testing::TestWithParam<Good<Bytes>> {};

TEST_P(GoodBytesTest, IsReadAndWrittenInItsShortestForm) {
  const auto& good = GetParam();
  EXPECT_EQ(parse_bytes(good.text), good.value);
  EXPECT_EQ(to_text(good.value), good.canonical);
  EXPECT_EQ(parse_bytes(good.canonical), good.value);
}

using GoodBytes = Good<Bytes>;

constexpr std::size_t kSizeMax = std::numeric_limits<std::size_t>::max();

INSTANTIATE_TEST_SUITE_P(Amounts, GoodBytesTest,
                         ::testing::Values(GoodBytes{"Bytes", "512B", 512_B, "512B"},
                                           GoodBytes{"Kibibytes", "4KiB", 4_KiB, "4KiB"},
                                           GoodBytes{"Mebibytes", "16MiB", 16_MiB, "16MiB"},
                                           GoodBytes{"Gibibytes", "1GiB", 1024_MiB, "1GiB"},
                                           GoodBytes{"Zero", "0KiB", 0_B, "0B"},
                                           GoodBytes{"InTheGreatestUnit", "2048KiB", 2_MiB, "2MiB"},
                                           GoodBytes{"NotAMultiple", "1025B", 1025_B, "1025B"},
                                           GoodBytes{"Greatest", "18446744073709551615B",
                                                     Bytes{kSizeMax}, "18446744073709551615B"}),
                         kNameOfCase);

class BadBytesTest : public ::testing::TestWithParam<Bad> {};

TEST_P(BadBytesTest, IsRefused) { EXPECT_EQ(parse_bytes(GetParam().text), std::nullopt); }

INSTANTIATE_TEST_SUITE_P(
    Mistakes, BadBytesTest,
    ::testing::Values(Bad{"Empty", ""}, Bad{"NoUnit", "4096"}, Bad{"ZeroWithoutUnit", "0"},
                      Bad{"UnitAlone", "KiB"}, Bad{"DecimalUnit", "4kB"}, Bad{"ShortUnit", "4K"},
                      Bad{"LowerCase", "4kib"}, Bad{"Negative", "-4KiB"}, Bad{"Plus", "+4KiB"},
                      Bad{"Fraction", "1.5KiB"}, Bad{"SpaceInside", "4 KiB"},
                      Bad{"SpaceAfter", "4KiB "}, Bad{"Sum", "1KiB1B"}, Bad{"Hex", "0x10B"},
                      Bad{"NulInside", "4KiB\0"s}, Bad{"BeyondAnyNumber", "18446744073709551616B"},
                      Bad{"BeyondAnyAmount", "17179869184GiB"}),
    kNameOfCase);

class GoodRateTest : public ::testing::TestWithParam<Good<Rate>> {};

TEST_P(GoodRateTest, IsReadAndWrittenASecond) {
  const auto& good = GetParam();
  EXPECT_EQ(parse_rate(good.text), good.value);
  EXPECT_EQ(to_text(good.value), good.canonical);
  EXPECT_EQ(parse_rate(good.canonical), good.value);
}

using GoodRate = Good<Rate>;

INSTANTIATE_TEST_SUITE_P(
    Rates, GoodRateTest,
    ::testing::Values(
        GoodRate{"ASecond", "20/s", {20}, "20/s"}, GoodRate{"AMinute", "90/m", {1.5}, "1.5/s"},
        GoodRate{"AnHour", "5/h", {5.0 / 3600}, "0.001388888888888889/s"},
        GoodRate{"Fraction", "0.5/s", {0.5}, "0.5/s"}, GoodRate{"Zero", "0/s", {0}, "0/s"},
        GoodRate{"VerySmall", "0.0000001/s", {1e-7}, "0.0000001/s"},
        GoodRate{"VeryGreat", "100000000000000000000/s", {1e20}, "100000000000000000000/s"}),
    kNameOfCase);

TEST(RateTextTest, IsReadBackAtBothEndsOfWhatADoubleHolds) {
  using Limits = std::numeric_limits<double>;
  for (const Rate rate : {Rate{Limits::max()}, Rate{Limits::min()}, Rate{Limits::denorm_min()}}) {
    EXPECT_EQ(parse_rate(to_text(rate)), rate);
  }
}

class BadRateTest : public ::testing::TestWithParam<Bad> {};

TEST_P(BadRateTest, IsRefused) { EXPECT_EQ(parse_rate(GetParam().text), std::nullopt); }

INSTANTIATE_TEST_SUITE_P(Mistakes, BadRateTest,
                         ::testing::Values(Bad{"Empty", ""}, Bad{"NoUnit", "20"},
                                           Bad{"UnitAlone", "/s"}, Bad{"UnknownUnit", "20/d"},
                                           Bad{"LongUnit", "20/sec"}, Bad{"Negative", "-1/s"},
                                           Bad{"Plus", "+1/s"}, Bad{"SpaceBefore", " 1/s"},
                                           Bad{"SpaceInside", "1 /s"}, Bad{"SpaceAfter", "1/s "},
                                           Bad{"Exponent", "1e3/s"}, Bad{"Infinity", "inf/s"},
                                           Bad{"NotANumber", "nan/s"},
                                           Bad{"BeyondAnyNumber", std::string(400, '9') + "/s"}),
                         kNameOfCase);

}  // namespace
}  // namespace chatgate::base
