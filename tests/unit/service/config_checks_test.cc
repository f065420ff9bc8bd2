#include "config_lines.h"

#include <ostream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace chatgate::service {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// Values that are fine alone, and what is wrong between them.
struct Disagreement {
  const char* name;
  std::string yaml;
  std::string line;
};

void PrintTo(const Disagreement& disagreement, std::ostream* out) { *out << disagreement.name; }

class DisagreementTest : public ::testing::TestWithParam<Disagreement> {};

TEST_P(DisagreementTest, IsReportedAtTheKeyThatWasGiven) {
  EXPECT_THAT(lines_of(GetParam().yaml), ElementsAre(GetParam().line));
}

INSTANTIATE_TEST_SUITE_P(
    AllChecks, DisagreementTest,
    ::testing::Values(
        Disagreement{"ServiceThatDoesNotExist", "listeners: [{name: a, service: greter}]\n",
                     "c.yaml:1:32: listeners.a.service: no service \"greter\", did you mean "
                     "\"greeter\"?"},
        Disagreement{"DefaultListenerWithoutItsService", "services: {echo: {}}\n",
                     "c.yaml: listeners.public.service: no service \"greeter\"; expected one of "
                     "echo"},
        Disagreement{"AddressUsedTwice",
                     "listeners:\n"
                     "  - {name: a, address: \"127.0.0.1:7\"}\n"
                     "  - {name: b, address: \"127.0.0.1:7\"}\n",
                     "c.yaml:3:24: listeners.b.address: 127.0.0.1:7 is listeners.a.address too"},
        Disagreement{"AddressUsedTwiceByDefault", "listeners: [{name: a}, {name: b}]\n",
                     "c.yaml:1:24: listeners.b.address: [::]:1935 is listeners.a.address too"},
        Disagreement{"AdminOnAListener", "admin: {address: \"[::]:1935\"}\n",
                     "c.yaml:1:18: admin.address: [::]:1935 is listeners.public.address too"},
        Disagreement{"SoftAboveHard", "output: {soft: 300KiB}\n",
                     "c.yaml:1:16: output.soft: soft (300KiB) must not exceed hard (256KiB)"},
        Disagreement{"HardBelowDefaultSoft", "output: {hard: 32KiB}\n",
                     "c.yaml:1:16: output.hard: soft (64KiB) must not exceed hard (32KiB)"},
        Disagreement{"HardAboveBudget", "output: {hard: 2MiB, budget: 1MiB}\n",
                     "c.yaml:1:16: output.hard: hard (2MiB) must not exceed budget (1MiB)"},
        Disagreement{
            "DrainThatCannotEnd", "drain:\n  deadline: 8s\n  spread: 6s\n",
            "c.yaml:2:13: drain.deadline: announce + grace + spread + linger (9s) must not "
            "exceed deadline (8s)"},
        Disagreement{"AnnounceBeyondTheDefaultDeadline", "drain: {announce: 1m}\n",
                     "c.yaml:1:19: drain.announce: announce + grace + spread + linger (1m8s) must "
                     "not exceed deadline (20s)"},
        Disagreement{"ReplyLongerThanHard",
                     "services: {greeter: {reply: \"{message}\", max_message: 128KiB}}\n",
                     "c.yaml:1:29: services.greeter.reply: can become 384KiB long, more than "
                     "output.hard (256KiB)"},
        Disagreement{"MessageLongerThanOneRead",
                     "services: {greeter: {framing: read, reply: \"{message}\", max_message: "
                     "65KiB}}\n",
                     "c.yaml:1:70: services.greeter.max_message: with framing: read a message is "
                     "one read, of at most 64KiB"},
        Disagreement{"HeadersThatAreBelievedOfAnyone",
                     "listeners: [{name: a, proxy_protocol: required}]\n",
                     "c.yaml:1:39: listeners.a.proxy_protocol: proxy_protocol: required needs the "
                     "addresses of your proxies in proxy_trusted"},
        Disagreement{"OverloadThatSendsThoseWhoTalkAwayFirst", "overload: {idle: 5s}\n",
                     "c.yaml:1:18: overload.idle: idle (5s) must not be shorter than "
                     "first_message (10s): those who have said nothing go first"},
        Disagreement{"PenaltiesThatNeverBar", "limits: {per_source: {penalties: {max: 10s}}}\n",
                     "c.yaml:1:40: limits.per_source.penalties.max: min (15s) must not exceed max "
                     "(10s): no source would ever be refused"},
        Disagreement{"WarningWithoutIdle", "idle_warning: x\ntimeouts: {idle: 0s}\n",
                     "c.yaml:1:15: idle_warning: is sent 30s before timeouts.idle, which is 0s"},
        Disagreement{"TokenForEverythingWithoutAToken", "admin: {token_for: everything}\n",
                     "c.yaml:1:20: admin.token_for: everything needs a token_file"},
        Disagreement{"WarningAtOnce", "idle_warning: x\ntimeouts: {idle: 30s}\n",
                     "c.yaml:1:15: idle_warning: is sent 30s before timeouts.idle, which is 30s"},
        Disagreement{
            "QuitWordThatIsNoMessage",
            "services: {greeter: {max_message: 16B, quit_words: [12345678901234567]}}\n",
            "c.yaml:1:52: services.greeter.quit_words: \"12345678901234567\" is longer than "
            "max_message (16B)"}),
    [](const auto& instance) { return instance.param.name; });

class AgreementTest : public ::testing::TestWithParam<const char*> {};

TEST_P(AgreementTest, IsAccepted) { EXPECT_THAT(lines_of(GetParam()), IsEmpty()); }

INSTANTIATE_TEST_SUITE_P(
    AtTheBounds, AgreementTest,
    ::testing::Values(
        "output: {soft: 256KiB}\n", "output: {hard: 256MiB}\n", "drain: {deadline: 8s}\n",
        "idle_warning: x\ntimeouts: {idle: 30001ms}\n",
        "services: {greeter: {reply: \"{message}\", utf8: pass, max_message: 256KiB}}\n",
        "services: {greeter: {max_message: 16B, quit_words: [1234567890123456]}}\n",
        "listeners: [{name: a, proxy_protocol: required, proxy_trusted: [10.0.0.0/8]}]\n",
        "listeners: [{name: a, address: \"unix:/a\", proxy_protocol: required}]\n",
        "listeners: [{name: a, address: \"[::]:0\"}, {name: b, address: \"[::]:0\"}]\n",
        "listeners: [{name: a, address: \"unix:/a\"}, {name: b, address: \"unix:/b\"}]\n"));

TEST(ConfigChecksTest, SayNothingAboutAValueThatIsBrokenAlready) {
  EXPECT_THAT(lines_of("output: {soft: 300KiB, hard: 1}\n"),
              ElementsAre("c.yaml:1:30: output.hard: must be a size with its unit, such as 512B, "
                          "64KiB or 16MiB, got \"1\""));
}

TEST(ConfigChecksTest, BlameTheVariableThatDisagrees) {
  EXPECT_THAT(lines_of("output: {hard: 1MiB}\n", {{"CHATGATE__OUTPUT__SOFT", "2MiB"}}),
              ElementsAre("environment: CHATGATE__OUTPUT__SOFT: soft (2MiB) must not exceed hard "
                          "(1MiB)"));
}

TEST(ConfigChecksTest, ReportEveryMistakeInTheOrderOfTheFile) {
  EXPECT_THAT(lines_of("drain: {announce: 1m}\n"
                       "listeners: [{name: a, service: b}]\n"
                       "watch: maybe\n",
                       {{"CHATGATE__LOG__LEVEL", "loud"}}),
              ElementsAre("c.yaml:1:19: drain.announce: announce + grace + spread + linger (1m8s) "
                          "must not exceed deadline (20s)",
                          "c.yaml:2:32: listeners.a.service: no service \"b\"; expected one of "
                          "greeter",
                          "c.yaml:3:8: watch: must be true or false, got \"maybe\"",
                          "environment: CHATGATE__LOG__LEVEL: must be trace, debug, info, warn or "
                          "error, got \"loud\""));
}

}  // namespace
}  // namespace chatgate::service
