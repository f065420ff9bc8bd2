#include "config_lines.h"

#include <fstream>
#include <iterator>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chatgate/service/config_docs.h>

namespace chatgate::service {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string contents_of(const std::string& name) {
  std::ifstream file{std::string{CHATGATE_CONFIGS} + '/' + name};
  return {std::istreambuf_iterator<char>{file}, {}};
}

TEST(ConfigDocsTest, TheReferenceIsUpToDate) {
  EXPECT_TRUE(contents_of("README.md") == reference_markdown())
      << "regenerate it: chatgate docs reference > configs/README.md";
}

TEST(ConfigDocsTest, TheJsonSchemaIsUpToDate) {
  EXPECT_TRUE(contents_of("chatgate.schema.json") == json_schema())
      << "regenerate it: chatgate docs schema > configs/chatgate.schema.json";
}

TEST(EffectiveConfigTest, ShowsWhereEachValueComesFrom) {
  const auto text = effective_config_text(parse_config(
      "timeouts:\n  idle: 60s\n", "c.yaml", {{"CHATGATE__LIMITS__MAX_CONNECTIONS", "7"}}));
  EXPECT_THAT(text, HasSubstr("  idle: 1m  # c.yaml:2:9\n"));
  EXPECT_THAT(text, HasSubstr("  line: 30s  # default\n"));
  EXPECT_THAT(text, HasSubstr("max_connections: 7  # environment CHATGATE__LIMITS__MAX_CONN"));
}

class RoundTripTest : public ::testing::TestWithParam<const char*> {};

TEST_P(RoundTripTest, GivesTheSameConfiguration) {
  const auto loaded = parse_config(GetParam(), "c.yaml", {});
  ASSERT_THAT(lines_of(loaded), IsEmpty());
  const auto text = effective_config_text(loaded);
  const auto again = parse_config(text, "again.yaml", {});
  EXPECT_THAT(lines_of(again), IsEmpty()) << text;
  EXPECT_EQ(again.config, loaded.config) << text;
}

INSTANTIATE_TEST_SUITE_P(
    Values, RoundTripTest,
    ::testing::Values("", "limits: {per_source: {rate: 5/h, exempt: []}}\n",
                      "services: {greeter: {}, \"-\": {reply: \"a\\\"\\\\\\n\\t\\x01#: {{\"}}\n",
                      "listeners: [{name: a, address: fd:x, access: {deny: [\"10.0.0.0/8\"]}}]\n",
                      "timeouts: {idle: 1.5s, line: 1h1m1s1ms}\n", "threads: {workers: 2}\n",
                      "admin: {address: \"\"}\nlog: {output: \"file:/a b\"}\n"));

}  // namespace
}  // namespace chatgate::service
