#include "fake_backend.h"
#include "http_client.h"

#include <fstream>
#include <ostream>
#include <stdexcept>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chatgate/admin/server.h>

namespace chatgate::admin {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A file with the mode of a secret, removed with the test.
class SecretFile {
 public:
  explicit SecretFile(const std::string& content, ::mode_t mode = 0600)
      : path_{::testing::TempDir() + fmt::format("admin-token-{}-{}", ::getpid(), ++count_)} {
    write(content);
    ::chmod(path_.c_str(), mode);
  }
  SecretFile(const SecretFile&) = delete;
  SecretFile& operator=(const SecretFile&) = delete;
  ~SecretFile() { ::unlink(path_.c_str()); }

  const std::string& path() const { return path_; }
  void write(const std::string& content) const { std::ofstream{path_} << content; }

 private:
  static inline int count_ = 0;  // Of the files of this test, which have names of their own.
  std::string path_;
};

class TokenTest : public ::testing::Test {
 protected:
  int drain(const std::string& authorization) {
    return post(server_.port(), "/drain", "Authorization: " + authorization + "\r\n").status;
  }

  SecretFile file_{" s3cret\n"};
  FakeBackend backend_;
  Server server_{{.address = "127.0.0.1:0", .token_file = file_.path()}, backend_};
};

TEST_F(TokenTest, IsNeededOnLoopbackTooOnceConfigured) {
  const auto answer = post(server_.port(), "/drain");
  EXPECT_EQ(answer.status, 401);
  EXPECT_EQ(answer.header("WWW-Authenticate"), "Bearer realm=\"chatgate\"");
  EXPECT_EQ(get(server_.port(), "/status").status, 200);
  EXPECT_THAT(backend_.commands(), IsEmpty());
}

TEST_F(TokenTest, OpensTheControlsWhenItIsTheRightOne) {
  EXPECT_EQ(drain("Bearer s3cret"), 200);
  EXPECT_EQ(drain("bearer s3cret"), 200);
  for (const auto* const wrong : {"Bearer s3cre", "Bearer s3crets", "Bearer s3creT", "Bearer ",
                                  "Bearer s3crets3cret", "Basic s3cret", "s3cret"}) {
    EXPECT_EQ(drain(wrong), 401) << wrong;
  }
  EXPECT_THAT(backend_.commands(), ElementsAre("drain", "drain"));
}

TEST_F(TokenTest, DoesNotExcuseAForgery) {
  const auto answer = post(server_.port(), "/drain",
                           "Authorization: Bearer s3cret\r\nOrigin: http://evil.example\r\n");
  EXPECT_EQ(answer.status, 403);
}

TEST_F(TokenTest, IsReplacedByAReload) {
  file_.write("n3w");
  ASSERT_TRUE(server_.reload_access({.token_file = file_.path()}).has_value());
  EXPECT_EQ(drain("Bearer s3cret"), 401);
  EXPECT_EQ(drain("Bearer n3w"), 200);
}

TEST_F(TokenTest, ComesFromAnotherFileAfterAReloadThatNamesOne) {
  const SecretFile other{"0ther"};
  ASSERT_TRUE(server_.reload_access({.token_file = other.path()}).has_value());
  EXPECT_EQ(drain("Bearer s3cret"), 401);
  EXPECT_EQ(drain("Bearer 0ther"), 200);
  ASSERT_TRUE(server_.reload_access({.token_file = ""}).has_value());
  EXPECT_EQ(drain("Basic none"), 200);
}

TEST_F(TokenTest, StaysWhenAReloadFails) {
  file_.write("\n");
  const auto reloaded = server_.reload_access({.token_file = file_.path()});
  ASSERT_FALSE(reloaded.has_value());
  EXPECT_EQ(reloaded.error(), fmt::format("admin.token_file {}: is empty; put a long random token "
                                          "into it",
                                          file_.path()));
  EXPECT_EQ(drain("Bearer s3cret"), 200);
}

TEST_F(TokenTest, CausesNoWarningWhenWellKept) { EXPECT_EQ(server_.token_warning(), ""); }

TEST(TokenFileTest, IsWarnedAboutWhenEveryoneCanReadIt) {
  const SecretFile file{"s3cret", 0644};
  FakeBackend backend;
  const Server server{{.address = "127.0.0.1:0", .token_file = file.path()}, backend};
  EXPECT_THAT(server.token_warning(), HasSubstr("everyone on this machine can read it"));
}

struct UselessToken {
  const char* name;
  std::string content;
  const char* says;
};

void PrintTo(const UselessToken& token, std::ostream* out) { *out << token.name; }

class UselessTokenTest : public ::testing::TestWithParam<UselessToken> {};

TEST_P(UselessTokenTest, StopsTheStart) {
  const SecretFile file{GetParam().content};
  FakeBackend backend;
  try {
    const Server server{{.address = "127.0.0.1:0", .token_file = file.path()}, backend};
    FAIL() << "started";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("admin.token_file " + file.path()));
    EXPECT_THAT(error.what(), HasSubstr(GetParam().says));
  }
}

INSTANTIATE_TEST_SUITE_P(
    AllKinds, UselessTokenTest,
    ::testing::Values(UselessToken{"Empty", "", "is empty"},
                      UselessToken{"Blank", " \r\n\t", "is empty"},
                      UselessToken{"TwoLines", "one\ntwo", "one line of visible ASCII"},
                      UselessToken{"Binary", std::string{"a\0b", 3}, "one line of visible ASCII"},
                      UselessToken{"Huge", std::string(5000, 'a'), "more than 4096 bytes"}),
    [](const auto& instance) { return instance.param.name; });

TEST(TokenFileTest, StopsTheStartWhenItCannotBeRead) {
  FakeBackend backend;
  for (const auto& path : {std::string{"/nonexistent/token"}, ::testing::TempDir()}) {
    EXPECT_THROW((Server{{.address = "127.0.0.1:0", .token_file = path}, backend}),
                 std::runtime_error)
        << path;
  }
}

class TokenForEverythingTest : public ::testing::Test {
 protected:
  int get(std::string_view target, std::string_view headers = "") {
    return request(server_.port(), "GET", target, headers).status;
  }

  SecretFile file_{"s3cret"};
  FakeBackend backend_;
  Server server_{
      {.address = "127.0.0.1:0", .token_file = file_.path(), .token_for = TokenFor::Everything},
      backend_};
};

TEST_F(TokenForEverythingTest, IsNeededForAllThatTellsSomething) {
  for (const auto* const target :
       {"/metrics", "/status", "/connections", "/connections/closed", "/sources", "/config"}) {
    EXPECT_EQ(get(target), 401) << target;
    EXPECT_EQ(get(target, "Authorization: Bearer s3cret\r\n"), 200) << target;
    EXPECT_EQ(get(target, "Authorization: Bearer s3cre\r\n"), 401) << target;
  }
}

TEST_F(TokenForEverythingTest, IsNotNeededForProbesAndThePageWithoutItsData) {
  for (const auto* const target : {"/", "/help", "/livez", "/readyz"}) {
    EXPECT_EQ(get(target), 200) << target;
  }
}

TEST_F(TokenForEverythingTest, EndsWithAReloadThatSaysSo) {
  ASSERT_TRUE(server_.reload_access({.token_file = file_.path()}).has_value());
  EXPECT_EQ(get("/status"), 200);
  EXPECT_EQ(post(server_.port(), "/drain").status, 401);
}

TEST(OpenAddressTest, HasNoControlsWithoutAToken) {
  FakeBackend backend;
  for (const auto* const address : {"0.0.0.0:0", "[::]:0"}) {
    const Server server{{.address = address, .token_file = ""}, backend};
    const auto answer = post(server.port(), "/drain");
    EXPECT_EQ(answer.status, 403);
    EXPECT_THAT(answer.body, HasSubstr("set admin.token_file"));
  }
  EXPECT_THAT(backend.commands(), IsEmpty());
}

TEST(OpenAddressTest, TakesAnyHostWithTheToken) {
  const SecretFile file{"s3cret"};
  FakeBackend backend;
  const Server server{{.address = "0.0.0.0:0", .token_file = file.path()}, backend};
  const auto answer = post(server.port(), "/drain",
                           "Host: gateway.example:9464\r\nAuthorization: Bearer s3cret\r\n");
  EXPECT_EQ(answer.status, 200);
}

}  // namespace
}  // namespace chatgate::admin
