#include <cstring>
#include <string>

#include <gtest/gtest.h>

#include <chatgate/base/text_buffer.h>

namespace chatgate::base {
namespace {

TEST(TextBufferTest, IsEmptyAtFirst) {
  const TextBuffer buffer;
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.view(), "");
}

TEST(TextBufferTest, HoldsWhatWasAppendedInOrder) {
  TextBuffer buffer;
  buffer += "one";
  buffer += "";
  buffer += ' ';
  std::memcpy(buffer.extend(3), "two", 3);
  EXPECT_EQ(buffer.view(), "one two");
  EXPECT_EQ(buffer.size(), 7U);
  EXPECT_EQ(buffer.back(), 'o');
}

TEST(TextBufferTest, KeepsItsTextWhenItGrows) {
  TextBuffer buffer;
  std::string expected;
  for (int i = 0; i < 10'000; ++i) {
    const auto number = std::to_string(i);
    buffer += number;
    expected += number;
  }
  EXPECT_EQ(buffer.view(), expected);
}

TEST(TextBufferTest, KeepsItsMemoryWhenItIsCleared) {
  TextBuffer buffer;
  buffer += std::string(5000, 'x');
  const auto* before = buffer.view().data();
  buffer.clear();
  EXPECT_TRUE(buffer.empty());
  buffer += std::string(5000, 'y');
  EXPECT_EQ(buffer.view().data(), before);
  EXPECT_EQ(buffer.view(), std::string(5000, 'y'));
}

}  // namespace
}  // namespace chatgate::base
