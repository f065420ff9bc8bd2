#include "source.h"

#include <string>

#include <gtest/gtest.h>

namespace chatgate::config {
namespace {

TEST(SourceTest, CountsLinesAndColumnsFromOne) {
  const Source source{"ab\ncd\n"};
  EXPECT_EQ(source.at(0), (Position{1, 1}));
  EXPECT_EQ(source.at(2), (Position{1, 3}));
  EXPECT_EQ(source.at(4), (Position{2, 2}));
  EXPECT_EQ(source.at(6), (Position{3, 1}));
}

TEST(SourceTest, CountsCharactersAndNotBytes) {
  const Source source{"x\n测试 a"};
  EXPECT_EQ(source.at(2 + 3 + 3 + 1), (Position{2, 4}));
}

TEST(SourceTest, TakesAnOffsetBeyondTheEndForTheEnd) {
  EXPECT_EQ(Source{""}.at(7), (Position{1, 1}));
  EXPECT_EQ(Source{"ab"}.at(7), (Position{1, 3}));
}

TEST(SourceTest, AgreesWithCountingInALongLine) {
  std::string text = "first\n";
  for (int i = 0; i < 400; ++i) text += i % 3 == 0 ? "成" : "a";
  const Source source{text};
  int column = 0;
  for (std::size_t i = 6; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) ++column;
    const int expected = (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80 ? column : column + 1;
    ASSERT_EQ(source.at(i), (Position{2, expected})) << i;
  }
}

}  // namespace
}  // namespace chatgate::config
