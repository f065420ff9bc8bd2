#include "config_lines.h"

#include <ostream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace chatgate::service {
namespace {

/// A configuration with one mistake, and all that is said about it.
struct BrokenConfig {
  const char* name;
  std::string yaml;
  std::string line;
};

// Names the case in the test's output, which would show its bytes otherwise.
void PrintTo(const BrokenConfig& broken, std::ostream* out) { *out << broken.name; }

class BrokenConfigTest : public ::testing::TestWithParam<BrokenConfig> {};

TEST_P(BrokenConfigTest, IsReportedWhereItIs) {
  EXPECT_THAT(lines_of(GetParam().yaml), ::testing::ElementsAre(GetParam().line));
}

INSTANTIATE_TEST_SUITE_P(
    Structure, BrokenConfigTest,
    ::testing::Values(
        BrokenConfig{"UnknownKeyAtTheTop", "limit: {}\n",
                     "c.yaml:1:1: limit: unknown key, did you mean \"limits\"?"},
        BrokenConfig{
            "UnknownKeyFarFromAnyOther", "colour: red\n",
            "c.yaml:1:1: colour: unknown key; expected one of threads, listeners, services, "
            "limits, overload, timeouts, idle_warning, output, drain, admin, metrics, log, watch"},
        BrokenConfig{
            "UnknownKeyInASection", "limits:\n  max_conections: 5\n",
            "c.yaml:2:3: limits.max_conections: unknown key, did you mean \"max_connections\"?"},
        BrokenConfig{"UnknownKeyInAListener", "listeners: [{name: a, adress: \"0.0.0.0:1\"}]\n",
                     "c.yaml:1:23: listeners.a.adress: unknown key, did you mean \"address\"?"},
        BrokenConfig{
            "UnknownKeyInAService", "services: {greeter: {gretting: hi}}\n",
            "c.yaml:1:22: services.greeter.gretting: unknown key, did you mean \"greeting\"?"},
        BrokenConfig{
            "KeyOfAnotherPart", "listeners: [{name: a, certificate: off}]\n",
            "c.yaml:1:23: listeners.a.certificate: unknown key; expected one of name, "
            "address, service, backlog, telnet, proxy_protocol, proxy_trusted, tls, access, "
            "max_connections"},
        BrokenConfig{"DuplicateKey", "watch: true\nlog: {level: info}\nwatch: false\n",
                     "c.yaml:3:1: watch: duplicate key, first given at 1:1"},
        BrokenConfig{"DuplicateService", "services:\n  greeter: {}\n  greeter: {}\n",
                     "c.yaml:3:3: services.greeter: duplicate key, first given at 2:3"},
        BrokenConfig{"DuplicateListenerName",
                     "listeners:\n  - {name: a, address: \"0.0.0.0:1\"}\n  - {name: a, address: "
                     "\"0.0.0.0:2\"}\n",
                     "c.yaml:3:12: listeners.1.name: \"a\" is the name of the entry at 2:12 too"},
        BrokenConfig{"MergeKey", "limits: &l {mode: off}\ntimeouts:\n  <<: *l\n",
                     "c.yaml:3:3: timeouts.<<: merge keys are not supported; write the keys out"},
        BrokenConfig{"KeyThatIsAList", "? [a, b]\n: 1\n",
                     "c.yaml:1:3: a key must be a word, got a list"},
        BrokenConfig{"Tag", "watch: !!bool true\n",
                     "c.yaml:1:8: watch: tags (!, !!) are not supported"},
        BrokenConfig{"CyclicAlias", "limits: &l\n  per_source: *l\n",
                     "c.yaml:2:15: limits.per_source: an alias must not name what contains it"},
        BrokenConfig{"SectionThatIsAScalar", "log: off\n",
                     "c.yaml:1:6: log: must be a section of keys, got \"off\""},
        BrokenConfig{"SectionThatIsEmpty", "limits:\nwatch: true\n",
                     "c.yaml:1:1: limits: must be a section of keys, got nothing"},
        BrokenConfig{"SectionThatIsAList", "limits: [1]\n",
                     "c.yaml:1:9: limits: must be a section of keys, got a list"},
        BrokenConfig{"FileThatIsAList", "- watch: true\n",
                     "c.yaml:1:1: must be a section of keys, got a list"},
        BrokenConfig{"FileThatIsAScalar", "chatgate\n",
                     "c.yaml:1:1: must be a section of keys, got \"chatgate\""},
        BrokenConfig{"ListThatIsAScalar", "listeners: public\n",
                     "c.yaml:1:12: listeners: must be a list, got \"public\""},
        BrokenConfig{"ListOfNoEntries", "listeners: []\n",
                     "c.yaml:1:12: listeners: must have 1 to 64 entries, got 0"},
        BrokenConfig{"MapOfNoEntries", "services: {}\n",
                     "c.yaml:1:11: services: must have 1 to 64 entries, got 0"},
        BrokenConfig{"ListOfScalarsThatIsAScalar", "services: {greeter: {quit_words: quit}}\n",
                     "c.yaml:1:34: services.greeter.quit_words: must be a list, got \"quit\""},
        BrokenConfig{"ScalarThatIsAList", "watch: [true]\n",
                     "c.yaml:1:8: watch: must be true or false, got a list"},
        BrokenConfig{"ScalarThatIsNothing", "timeouts: {idle: }\n",
                     "c.yaml:1:12: timeouts.idle: must be a duration with its unit, such as 250ms, "
                     "30s or 5m, got nothing"},
        BrokenConfig{"TextThatIsNothing", "idle_warning:\n",
                     "c.yaml:1:1: idle_warning: must be text, got nothing"},
        BrokenConfig{
            "ServiceThatDoesNotExist", "listeners: [{name: a, service: greter}]\n",
            "c.yaml:1:32: listeners.a.service: no service \"greter\", did you mean \"greeter\"?"},
        BrokenConfig{"NotYaml", "limits: {a: 1\n",
                     "c.yaml:2:1: not valid YAML: end of map flow not found"},
        BrokenConfig{"TabForIndentation", "limits:\n\tmode: off\n",
                     "c.yaml:2:6: not valid YAML: a tab must not indent"},
        BrokenConfig{"TwoDocuments", "watch: true\n---\nwatch: false\n",
                     "c.yaml:2:1: a second document; one file is one configuration"},
        BrokenConfig{"InvalidUtf8", "watch: \"\xFF\"\n", "c.yaml:1:9: not UTF-8"}),
    [](const auto& instance) { return instance.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Values, BrokenConfigTest,
    ::testing::Values(
        BrokenConfig{"BooleanOfYaml11", "watch: yes\n",
                     "c.yaml:1:8: watch: must be true or false, got \"yes\""},
        BrokenConfig{"BooleanInQuotes", "watch: \"true\"\n",
                     "c.yaml:1:8: watch: must be true or false, got the text \"true\"; leave the "
                     "quotes out"},
        BrokenConfig{"NumberInQuotes", "limits: {max_connections: '64'}\n",
                     "c.yaml:1:27: limits.max_connections: must be a whole number from 1 to "
                     "1000000, got the text \"64\"; leave the quotes out"},
        BrokenConfig{"OctalNumber", "limits: {max_connections: 070}\n",
                     "c.yaml:1:27: limits.max_connections: must be a whole number from 1 to "
                     "1000000, got \"070\""},
        BrokenConfig{"HexadecimalNumber", "limits: {max_connections: 0x10}\n",
                     "c.yaml:1:27: limits.max_connections: must be a whole number from 1 to "
                     "1000000, got \"0x10\""},
        BrokenConfig{"ScientificNumber", "limits: {max_connections: 1e3}\n",
                     "c.yaml:1:27: limits.max_connections: must be a whole number from 1 to "
                     "1000000, got \"1e3\""},
        BrokenConfig{"SignedNumber", "limits: {exit_after: +5}\n",
                     "c.yaml:1:22: limits.exit_after: must be a whole number from 0 to 1000000000, "
                     "got \"+5\""},
        BrokenConfig{
            "NumberBelowItsBound", "limits: {reserve_fds: 15}\n",
            "c.yaml:1:23: limits.reserve_fds: must be a whole number from 16 to 65536, got \"15\""},
        BrokenConfig{"NumberAboveItsBound", "limits: {per_source: {v4_prefix: 33}}\n",
                     "c.yaml:1:34: limits.per_source.v4_prefix: must be a whole number from 1 to "
                     "32, got \"33\""},
        BrokenConfig{"WordOfANumber", "threads: {workers: atuo}\n",
                     "c.yaml:1:20: threads.workers: must be a whole number from 1 to 256 or auto, "
                     "got \"atuo\", did you mean \"auto\"?"},
        BrokenConfig{"DurationWithoutUnit", "timeouts: {idle: 30}\n",
                     "c.yaml:1:18: timeouts.idle: must be a duration with its unit, such as 250ms, "
                     "30s or 5m, got \"30\""},
        BrokenConfig{"DurationOfUnknownUnit", "timeouts: {idle: 3d}\n",
                     "c.yaml:1:18: timeouts.idle: must be a duration with its unit, such as 250ms, "
                     "30s or 5m, got \"3d\""},
        BrokenConfig{"DurationOutOfBounds", "timeouts: {idle: 721h}\n",
                     "c.yaml:1:18: timeouts.idle: must be within 0s to 720h, got \"721h\""},
        BrokenConfig{"NegativeDuration", "timeouts: {idle: -1s}\n",
                     "c.yaml:1:18: timeouts.idle: must be a duration with its unit, such as 250ms, "
                     "30s or 5m, got \"-1s\""},
        BrokenConfig{"SizeWithoutUnit", "output: {soft: 65536}\n",
                     "c.yaml:1:16: output.soft: must be a size with its unit, such as 512B, 64KiB "
                     "or 16MiB, got \"65536\""},
        BrokenConfig{"SizeOfDecimalUnit", "output: {soft: 64KB}\n",
                     "c.yaml:1:16: output.soft: must be a size with its unit, such as 512B, 64KiB "
                     "or 16MiB, got \"64KB\""},
        BrokenConfig{
            "SizeOutOfBounds", "services: {greeter: {max_message: 2MiB}}\n",
            "c.yaml:1:35: services.greeter.max_message: must be within 16B to 1MiB, got \"2MiB\""},
        BrokenConfig{"RateWithoutUnit", "limits: {per_source: {rate: 20}}\n",
                     "c.yaml:1:29: limits.per_source.rate: must be a rate with its unit, such as "
                     "20/s, 90/m or 5/h, got \"20\""},
        BrokenConfig{
            "RateOutOfBounds", "limits: {per_source: {rate: 0/s}}\n",
            "c.yaml:1:29: limits.per_source.rate: must be within 0.001/s to 100000/s, got \"0/s\""},
        BrokenConfig{"MisspeltWord", "services: {greeter: {framing: lines}}\n",
                     "c.yaml:1:31: services.greeter.framing: must be line or read, got \"lines\", "
                     "did you mean \"line\"?"},
        BrokenConfig{
            "WordOutOfPlace", "limits: {over_limit: close}\n",
            "c.yaml:1:22: limits.over_limit: must be reply, backlog or reset, got \"close\""},
        BrokenConfig{
            "ListenerNameInUpperCase", "listeners: [{name: Public}]\n",
            "c.yaml:1:20: listeners.0.name: must be 1 to 32 of a-z, 0-9 and -, got \"Public\""},
        BrokenConfig{
            "ServiceNameWithADot", "services: {greeter: {}, a.b: {}}\n",
            "c.yaml:1:25: services.a.b: the name must be 1 to 32 of a-z, 0-9 and -, got \"a.b\""},
        BrokenConfig{"AddressWithoutPort", "listeners: [{name: a, address: 127.0.0.1}]\n",
                     "c.yaml:1:32: listeners.a.address: must be an address such as 0.0.0.0:1935, "
                     "\"[::]:1935\", unix:/path or fd:NAME, got \"127.0.0.1\""},
        BrokenConfig{"AddressByName", "listeners: [{name: a, address: \"localhost:1935\"}]\n",
                     "c.yaml:1:32: listeners.a.address: must be an address such as 0.0.0.0:1935, "
                     "\"[::]:1935\", unix:/path or fd:NAME, got \"localhost:1935\""},
        BrokenConfig{"AdminOnAnInheritedSocket", "admin: {address: \"fd:admin\"}\n",
                     "c.yaml:1:18: admin.address: must be an address such as 127.0.0.1:9464 or "
                     "unix:/path, or \"\" for no endpoint, got \"fd:admin\""},
        BrokenConfig{"RelativePath", "admin: {token_file: token}\n",
                     "c.yaml:1:21: admin.token_file: must be an absolute path, or \"\" for none, "
                     "got \"token\""},
        BrokenConfig{"LogToARelativeFile", "log: {output: \"file:log\"}\n",
                     "c.yaml:1:15: log.output: must be stderr, stdout, journald or file:/path, got "
                     "\"file:log\""},
        BrokenConfig{"CidrWithHostBits",
                     "limits: {per_source: {exempt: [\"10.0.0.0/8\", \"10.0.0.1/8\"]}}\n",
                     "c.yaml:1:46: limits.per_source.exempt: must be a block of addresses such as "
                     "10.0.0.0/8 or \"2001:db8::/32\", got \"10.0.0.1/8\""},
        BrokenConfig{"EmptyQuitWord", "services: {greeter: {quit_words: [quit, \"\"]}}\n",
                     "c.yaml:1:41: services.greeter.quit_words: must be a word or words on one "
                     "line, got \"\""},
        BrokenConfig{"QuitWordOfTwoLines", "services: {greeter: {quit_words: [\"a\\nb\"]}}\n",
                     "c.yaml:1:35: services.greeter.quit_words: must be a word or words on one "
                     "line, got \"a\\nb\""},
        BrokenConfig{
            "UnknownPlaceholder", "services: {greeter: {reply: \"测试 {nick}\"}}\n",
            "c.yaml:1:33: services.greeter.reply: unknown placeholder {nick}; known are "
            "{message} {peer} {listener} {session} {time} {count} {connections} {subject}"},
        BrokenConfig{
            "UnknownPlaceholderInAPlainScalar", "services:\n  greeter:\n    reply: hello {nick}\n",
            "c.yaml:3:18: services.greeter.reply: unknown placeholder {nick}; known are "
            "{message} {peer} {listener} {session} {time} {count} {connections} {subject}"},
        BrokenConfig{
            "UnknownPlaceholderBehindAnEscape", "services: {greeter: {reply: \"a\\n{nick}\"}}\n",
            "c.yaml:1:29: services.greeter.reply: unknown placeholder {nick}; known are {message} "
            "{peer} {listener} {session} {time} {count} {connections} {subject} (at byte 3 of the "
            "text)"},
        BrokenConfig{
            "UnknownPlaceholderInABlock", "services:\n  greeter:\n    reply: |\n      a {nick}\n",
            "c.yaml:3:12: services.greeter.reply: unknown placeholder {nick}; known are {message} "
            "{peer} {listener} {session} {time} {count} {connections} {subject} (at byte 3 of the "
            "text)"},
        BrokenConfig{"PlaceholderThatIsNotClosed", "services: {greeter: {reply: \"{message\"}}\n",
                     "c.yaml:1:30: services.greeter.reply: { without }; write {{ for a brace"},
        BrokenConfig{"MessageInAGreeting",
                     "services: {greeter: {greeting: \"{{message}} {message}\"}}\n",
                     "c.yaml:1:45: services.greeter.greeting: {message} has no value here"},
        BrokenConfig{"CountInAGreeting", "services: {greeter: {greeting: \"{count}\"}}\n",
                     "c.yaml:1:33: services.greeter.greeting: {count} has no value here"},
        BrokenConfig{"MessageInAFarewell", "services: {greeter: {farewell: \"{message}\"}}\n",
                     "c.yaml:1:33: services.greeter.farewell: {message} has no value here"},
        BrokenConfig{"TextTooLong", "idle_warning: " + std::string(4097, 'a'),
                     "c.yaml:1:15: idle_warning: must be at most 4096 bytes long, got 4097"},
        BrokenConfig{"NulInAText", "idle_warning: \"a\\0\"\n",
                     "c.yaml:1:15: idle_warning: must be UTF-8 without NUL"}),
    [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace chatgate::service
