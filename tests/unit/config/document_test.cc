#include "document.h"

#include <string>

#include <gtest/gtest.h>

namespace chatgate::config {
namespace {

std::string refusal(const std::string& text) {
  const Source source{text};
  const auto document = parse_document(source);
  return document ? "accepted" : document.error().message;
}

std::string repeated(const std::string& text, std::size_t times) {
  std::string result;
  for (std::size_t i = 0; i < times; ++i) result += text;
  return result;
}

// Ten levels of ten aliases each: the billion laughs attack.
std::string alias_bomb() {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    const auto name = "a" + std::to_string(i);
    const auto alias = "*a" + std::to_string(i - 1);
    text += name + ": &" + name + " [" + alias + repeated(", " + alias, 9) + "]\n";
  }
  return text;
}

// Each alias is thirty levels deeper than the one that it names.
std::string alias_ladder() {
  std::string text = "a0: &a0 x\n";
  for (int i = 1; i < 50; ++i) {
    const auto name = "a" + std::to_string(i);
    text += name + ": &" + name + ' ' + std::string(29, '[') + "*a" + std::to_string(i - 1) +
            std::string(29, ']') + '\n';
  }
  return text;
}

struct HostileDocument {
  const char* name;
  std::string text;
  std::string message;
};

void PrintTo(const HostileDocument& document, std::ostream* out) { *out << document.name; }

class HostileDocumentTest : public ::testing::TestWithParam<HostileDocument> {};

TEST_P(HostileDocumentTest, IsRefusedAtOnce) {
  EXPECT_EQ(refusal(GetParam().text), GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    AllBounds, HostileDocumentTest,
    ::testing::Values(
        HostileDocument{"DeepFlowLists", std::string(500'000, '['), "nested deeper than 32 levels"},
        HostileDocument{"DeepFlowMaps", repeated("{a: ", 100'000), "nested deeper than 32 levels"},
        HostileDocument{"DeepBlockLists", repeated("- ", 100'000), "nested deeper than 32 levels"},
        HostileDocument{"DeepComplexKeys", repeated("? ", 100'000), "nested deeper than 32 levels"},
        HostileDocument{"AliasBomb", alias_bomb(),
                        "more than 250000 values, with aliases expanded"},
        HostileDocument{"AliasLadder", alias_ladder(), "nested deeper than 32 levels"},
        HostileDocument{"TooManyValues", '[' + repeated("a,", 250'000) + ']',
                        "more than 250000 values, with aliases expanded"},
        HostileDocument{"TooLarge", std::string((4 << 20) + 1, '#'), "larger than 4194304 bytes"},
        HostileDocument{"NotUtf8", "a: \xFF\n", "not UTF-8"},
        HostileDocument{"Utf16",
                        std::string{"\xFF\xFE"
                                    "a\0",
                                    4},
                        "not UTF-8"},
        HostileDocument{"Nul", std::string{"a: \0\n", 5}, "a NUL byte"},
        HostileDocument{"TwoDocuments", "a: 1\n---\nb: 2\n",
                        "a second document; one file is one configuration"},
        HostileDocument{"UnknownAlias", "a: *b\n",
                        "not valid YAML: the referenced anchor is not defined"},
        HostileDocument{"OpenFlowMap", "a: {b: 1\n", "not valid YAML: end of map flow not found"},
        HostileDocument{"TabIndent", "a:\n\tb: 1\n", "not valid YAML: a tab must not indent"}),
    [](const auto& instance) { return instance.param.name; });

TEST(DocumentTest, AllowsExactlyTheDepthItPromises) {
  const auto nested = [](std::size_t levels) {
    return std::string(levels, '[') + std::string(levels, ']');
  };
  EXPECT_EQ(refusal(nested(kDocumentDepthMax)), "accepted");
  EXPECT_EQ(refusal(nested(kDocumentDepthMax + 1)), "nested deeper than 32 levels");
}

TEST(DocumentTest, KeepsBothOfADuplicateKey) {
  const Source source{"a: 1\na: 2\n"};
  const auto document = parse_document(source);
  ASSERT_TRUE(document);
  ASSERT_EQ((*document)->entries.size(), 2U);
  EXPECT_EQ((*document)->entries[1].second->text, "2");
}

TEST(DocumentTest, TellsQuotedFromPlainScalars) {
  const Source source{"[5, \"5\", '5', ~, null, \"null\"]"};
  const auto document = parse_document(source);
  ASSERT_TRUE(document);
  const auto& items = (*document)->items;
  ASSERT_EQ(items.size(), 6U);
  EXPECT_TRUE(items[0]->is_plain);
  EXPECT_FALSE(items[1]->is_plain);
  EXPECT_FALSE(items[2]->is_plain);
  EXPECT_EQ(items[3]->kind, Value::Kind::Nothing);
  EXPECT_EQ(items[4]->kind, Value::Kind::Nothing);
  EXPECT_EQ(items[5]->kind, Value::Kind::Scalar);
}

TEST(DocumentTest, SharesWhatAnAliasNames) {
  const Source source{"a: &x [1, 2]\nb: *x\n"};
  const auto document = parse_document(source);
  ASSERT_TRUE(document);
  EXPECT_EQ((*document)->entries[0].second, (*document)->entries[1].second);
  EXPECT_EQ((*document)->nodes, 9U);
}

TEST(DocumentTest, RefusesAnAliasOfWhatContainsIt) {
  const Source source{"a: &x [1, *x]\n"};
  const auto document = parse_document(source);
  ASSERT_TRUE(document);
  EXPECT_EQ((*document)->entries[0].second->items[1]->kind, Value::Kind::Refused);
}

TEST(DocumentTest, IsNothingWhenTheFileIsEmpty) {
  for (const auto* text : {"", "\n", "# only a comment\n", "---\n"}) {
    const Source source{text};
    const auto document = parse_document(source);
    ASSERT_TRUE(document) << text;
    EXPECT_EQ((*document)->kind, Value::Kind::Nothing) << text;
  }
}

}  // namespace
}  // namespace chatgate::config
