#include <gmock/gmock.h>

#include <chatgate/ctl/client.h>

namespace chatgate::ctl {
namespace {

using ::testing::HasSubstr;

TEST(TargetTest, EscapesWhatIsWrittenAndLeavesOutWhatIsNot) {
  EXPECT_EQ(target("/connections", {{"sort", ""}, {"filter", "idle>5m&x=\n"}, {"limit", "7"}}),
            "/connections?filter=idle%3E5m%26x%3D%0A&limit=7");
  EXPECT_EQ(target("/status", {}), "/status");
}

TEST(ClientTest, NamesTheFileWhenItAsksForAToken) {
  const Client client{{}};
  EXPECT_THAT(client.explain({401, ""}), HasSubstr("--token-file FILE"));
  const Client known{{.token_file = "/etc/token"}};
  EXPECT_THAT(known.explain({401, ""}), HasSubstr("does not accept the token in /etc/token"));
}

TEST(ClientTest, PassesOnWhatTheGatewaySaysEscaped) {
  const Client client{{}};
  EXPECT_EQ(client.explain({404, R"({"error": "no \u001b[31msession"})"}), "no \\x1b[31msession");
  EXPECT_THAT(client.explain({502, "<html>"}), HasSubstr("another program's"));
}

}  // namespace
}  // namespace chatgate::ctl
