#include <regex>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chatgate/service/schema.h>

namespace chatgate::service {
namespace {

using ::testing::ElementsAre;
using ::testing::MatchesRegex;

void expect_documented(const config::Section& section, const std::string& path) {
  for (const auto& key : section.keys) {
    const auto inner = config::dotted(path, key.name);
    EXPECT_THAT(key.name, MatchesRegex("[a-z0-9_]+")) << inner;
    EXPECT_THAT(key.meaning, MatchesRegex("[^\n]{4,100}\\.")) << inner;
    if (const auto* nested = key.section()) expect_documented(*nested, inner);
    if (const auto* entries = key.entries()) expect_documented(entries->section(), inner);
  }
}

TEST(SchemaTest, GivesEveryKeyAMeaningOfOneLine) { expect_documented(schema().root(), ""); }

TEST(SchemaTest, AcceptsItsOwnDefaults) {
  GatewayConfig defaults;
  GatewayConfig copy;
  const auto places = config::leaves(schema().root(), &defaults);
  const auto targets = config::leaves(schema().root(), &copy);
  ASSERT_EQ(places.size(), targets.size());
  for (std::size_t i = 0; i < places.size(); ++i) {
    const auto& leaf = *places[i].key->leaf();
    leaf.clear(targets[i].object);
    for (const auto& text : leaf.texts(places[i].object)) {
      const auto mistake = leaf.put(text, targets[i].object);
      EXPECT_FALSE(mistake.has_value()) << places[i].path << ": " << mistake->message;
    }
  }
  EXPECT_EQ(copy, defaults);
}

// Editors match what the parser accepts: a pattern that its own default violates marks good files.
TEST(SchemaTest, HasPatternsThatTheDefaultsMatch) {
  GatewayConfig defaults;
  for (const auto& place : config::leaves(schema().root(), &defaults)) {
    const auto& leaf = *place.key->leaf();
    if (leaf.type().pattern.empty()) continue;
    for (const auto& text : leaf.texts(place.object)) {
      EXPECT_TRUE(std::regex_match(text, std::regex{leaf.type().pattern})) << place.path;
    }
  }
}

TEST(SchemaTest, RequiresARestartOnlyForWhatIsMadeAtTheStart) {
  GatewayConfig defaults;
  std::vector<std::string> restart;
  for (const auto& place : config::leaves(schema().root(), &defaults)) {
    if (place.key->apply == config::Apply::Restart) restart.push_back(place.path);
  }
  EXPECT_THAT(restart, ElementsAre("threads.acceptors", "threads.workers", "admin.address",
                                   "admin.tls.certificate", "admin.tls.key"));
}

}  // namespace
}  // namespace chatgate::service
