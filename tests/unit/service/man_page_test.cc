#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chatgate/service/config_docs.h>

namespace chatgate::service {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(ManPageTest, HasTheParts) {
  const auto page = reference_man_page();
  EXPECT_THAT(page, StartsWith(".TH CHATGATE.YAML 5 "));
  for (const auto* heading : {".SH NAME\n", ".SH DESCRIPTION\n", ".SH KEYS\n", ".SH SEE ALSO\n"}) {
    EXPECT_THAT(page, HasSubstr(heading));
  }
}

TEST(ManPageTest, DescribesAKeyOfTheTable) {
  const auto page = reference_man_page();
  EXPECT_THAT(page, HasSubstr("\n.SS \\fBdrain\\fR\n"));
  EXPECT_THAT(page, HasSubstr("\n.TP 8\n\\fBdeadline\\fR\nFrom the signal to the exit, all of it."
                              "\n.br\n(type: duration; default: \\fB20s\\fR; "));
}

TEST(ManPageTest, EscapesWhatRoffWouldTakeForItsOwn) {
  const auto page = reference_man_page();
  EXPECT_THAT(page, HasSubstr("\\fB\"测试成功!\\en\"\\fR"));
  EXPECT_THAT(page, HasSubstr("\\fBmax_connections\\fR"));
  EXPECT_THAT(page, Not(HasSubstr("`")));
  EXPECT_THAT(page, Not(HasSubstr("|")));
}

}  // namespace
}  // namespace chatgate::service
