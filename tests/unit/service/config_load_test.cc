#include "config_lines.h"

#include <cstdio>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace chatgate::service {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

TEST(LoadConfigTest, TakesAnEmptyFileForTheDefaults) {
  const auto loaded = parse_config("", "c.yaml", {});
  EXPECT_THAT(lines_of(loaded), IsEmpty());
  EXPECT_TRUE(loaded.is_valid());
  EXPECT_EQ(loaded.config, GatewayConfig{});
}

TEST(LoadConfigTest, ReadsAFileFromDisk) {
  const auto path = ::testing::TempDir() + "load_config_test.yaml";
  std::ofstream{path} << "watch: true\nlog: {level: loud}\n";
  EXPECT_THAT(lines_of(load_config(path, {})),
              ElementsAre(path + ":2:14: log.level: must be trace, debug, info, warn or error, got "
                                 "\"loud\""));
  EXPECT_EQ(std::remove(path.c_str()), 0);
}

TEST(LoadConfigTest, SaysWhyAFileCannotBeRead) {
  EXPECT_THAT(lines_of(load_config("/nowhere/c.yaml", {})),
              ElementsAre("/nowhere/c.yaml: cannot be read: No such file or directory"));
  EXPECT_THAT(lines_of(load_config("/", {})), ElementsAre("/: cannot be read: Is a directory"));
}

TEST(LoadConfigTest, StopsReadingAFileWithoutEnd) {
  EXPECT_THAT(lines_of(load_config("/dev/zero", {})),
              ElementsAre("/dev/zero:1:1: larger than 4194304 bytes"));
}

TEST(LoadConfigTest, LetsTheEnvironmentOverrideTheFile) {
  const auto loaded = parse_config("limits: {max_connections: 5}\n", "c.yaml",
                                   {{"CHATGATE__LIMITS__MAX_CONNECTIONS", "7"},
                                    {"CHATGATE__LISTENERS__PUBLIC__ADDRESS", "127.0.0.1:0"},
                                    {"CHATGATE__LISTENERS__0__BACKLOG", "9"},
                                    {"CHATGATE__SERVICES__GREETER__QUIT_WORDS", "quit, bye"},
                                    {"CHATGATE__LISTENERS__PUBLIC__ACCESS__DENY", ""},
                                    {"HOME", "/"}});
  EXPECT_THAT(lines_of(loaded), IsEmpty());
  EXPECT_EQ(loaded.config.limits.admission.max_connections, 7U);
  EXPECT_EQ(net::to_text(loaded.config.listeners[0].address), "127.0.0.1:0");
  EXPECT_EQ(loaded.config.listeners[0].backlog, 9U);
  EXPECT_THAT(loaded.config.services.at("greeter").quit_words, ElementsAre("quit", "bye"));
  EXPECT_EQ(to_text(loaded.origins.at("limits.max_connections")),
            "environment CHATGATE__LIMITS__MAX_CONNECTIONS");
}

TEST(LoadConfigTest, RefusesAVariableThatMatchesNoKey) {
  EXPECT_THAT(lines_of("", {{"CHATGATE__LIMITS__MAX_CONECTIONS", "7"},
                            {"CHATGATE__LISTENERS__OTHER__BACKLOG", "7"},
                            {"CHATGATE__SERVICES__GREETER__REPLY", "{nick}"}}),
              ElementsAre("environment: CHATGATE__LIMITS__MAX_CONECTIONS: matches no key, did you "
                          "mean \"CHATGATE__LIMITS__MAX_CONNECTIONS\"?",
                          "environment: CHATGATE__LISTENERS__OTHER__BACKLOG: matches no key",
                          "environment: CHATGATE__SERVICES__GREETER__REPLY: unknown placeholder "
                          "{nick}; known are {message} {peer} {listener} {session} {time} {count} "
                          "{connections} {subject} (at byte 1 of the text)"));
}

TEST(LoadConfigTest, LeavesTheEnvironmentForAFileThatIsYaml) {
  EXPECT_THAT(lines_of("listeners: [\n", {{"CHATGATE__LISTENERS__A__BACKLOG", "7"}}),
              ElementsAre("c.yaml:2:1: not valid YAML: end of sequence flow not found"));
}

TEST(ConfigDiffTest, FindsNoDifferenceBetweenEquals) {
  const auto found = diff({}, {});
  EXPECT_THAT(found.changed, IsEmpty());
  EXPECT_THAT(found.requires_restart, IsEmpty());
}

TEST(ConfigDiffTest, NamesWhatChangedAndWhatNeedsARestart) {
  GatewayConfig now;
  now.threads.workers = 3;
  now.listeners[0].backlog = 7;
  now.timeouts.idle = 1h;
  now.admin.address = "";
  now.log_sessions = false;
  const auto found = diff({}, now);
  EXPECT_THAT(found.changed, ElementsAre("threads.workers", "listeners.public.backlog",
                                         "timeouts.idle", "admin.address", "log.sessions"));
  EXPECT_THAT(found.requires_restart, ElementsAre("threads.workers", "admin.address"));
}

TEST(ConfigDiffTest, NamesListenersThatCameAndWent) {
  GatewayConfig now;
  now.listeners[0].name = "other";
  EXPECT_THAT(diff({}, now).changed, ElementsAre("listeners.other", "listeners.public"));
}

}  // namespace
}  // namespace chatgate::service
