#include <gtest/gtest.h>

#include <chatgate/base/ascii.h>

namespace chatgate::base {
namespace {

TEST(AsciiTest, RaisesLettersOfAsciiAlone) {
  EXPECT_EQ(to_upper("az AZ_09-{`"), "AZ AZ_09-{`");
  EXPECT_EQ(to_upper("é测"), "é测");
  EXPECT_EQ(to_upper(""), "");
}

TEST(AsciiTest, TrimsBlanksAtBothEnds) {
  EXPECT_EQ(trim(" \t a b \r\n"), "a b");
  EXPECT_EQ(trim("a"), "a");
  EXPECT_EQ(trim(" \n"), "");
  EXPECT_EQ(trim(""), "");
}

}  // namespace
}  // namespace chatgate::base
