#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <chatgate/base/assert.h>
#include <chatgate/base/expected.h>

namespace chatgate::base {
namespace {

enum class Mistake { TooLong, TooShort };

TEST(ExpectedTest, HoldsAValue) {
  Expected<std::string, Mistake> result{"text"};
  ASSERT_TRUE(result.has_value());
  EXPECT_TRUE(static_cast<bool>(result));
  EXPECT_EQ(*result, "text");
  EXPECT_EQ(result->size(), 4U);
  *result += "s";
  EXPECT_EQ(*std::as_const(result), "texts");
  EXPECT_EQ(std::as_const(result)->size(), 5U);
}

TEST(ExpectedTest, HoldsAnError) {
  const Expected<std::string, Mistake> result{Unexpected{Mistake::TooShort}};
  ASSERT_FALSE(result.has_value());
  EXPECT_FALSE(static_cast<bool>(result));
  EXPECT_EQ(result.error(), Mistake::TooShort);
}

TEST(ExpectedTest, KeepsAValueAndAnErrorOfOneTypeApart) {
  const Expected<int, int> value{1};
  const Expected<int, int> error{Unexpected{1}};
  EXPECT_TRUE(value.has_value());
  EXPECT_FALSE(error.has_value());
}

TEST(ExpectedTest, GivesAwayAValueThatCannotBeCopied) {
  Expected<std::unique_ptr<int>, Mistake> result{std::make_unique<int>(42)};
  const std::unique_ptr<int> taken = *std::move(result);
  EXPECT_EQ(*taken, 42);
}

TEST(ExpectedDeathTest, AbortsWhenAnErrorIsTakenForAValue) {
  Expected<std::string, Mistake> result{Unexpected{Mistake::TooLong}};
  EXPECT_DEATH((void)*result, "expected.h:[0-9]+: assertion failed: has_value\\(\\)");
  EXPECT_DEATH((void)result->size(), "assertion failed: has_value\\(\\)");
  EXPECT_DEATH((void)std::as_const(result)->size(), "assertion failed: has_value\\(\\)");
}

TEST(ExpectedDeathTest, AbortsWhenAValueIsTakenForAnError) {
  const Expected<std::string, Mistake> result{"text"};
  EXPECT_DEATH((void)result.error(), "assertion failed: !has_value\\(\\)");
}

TEST(AssertTest, LetsPassWhatIsTrueAndLooksOnce) {
  int looked = 0;
  CHATGATE_ASSERT(++looked == 1);
  EXPECT_EQ(looked, 1);
}

TEST(AssertDeathTest, NamesTheFileTheLineAndTheExpression) {
  EXPECT_DEATH(CHATGATE_ASSERT(1 + 1 == 3),
               "expected_test.cc:[0-9]+: assertion failed: 1 \\+ 1 == 3");
}

}  // namespace
}  // namespace chatgate::base
