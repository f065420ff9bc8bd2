#include "gateway_fixture.h"

#include <atomic>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace chatgate::integration {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class ReloadTest : public GatewayTest {
 protected:
  // The parts of the file that tests change.
  struct File {
    std::string listeners = R"([{name: public, address: "127.0.0.1:0"}])";
    std::string reply = "<{message}>\\n";
    std::string rest;  // Whole lines.
  };

  std::string text_of(const File& file) const {
    return fmt::format(
        "threads: {{workers: 2}}\n"
        "listeners: {}\n"
        "services: {{greeter: {{greeting: \"hello\\n\", reply: \"{}\"}}}}\n"
        "drain: {{grace: 0s, spread: 0s, deadline: 5s, linger: 2s, notice: \"\"}}\n"
        "admin: {{address: \"127.0.0.1:0\"}}\n"
        "log: {{output: \"file:{}\"}}\n{}",
        file.listeners, file.reply, dir.file("gateway.log"), file.rest);
  }

  void write(const File& file) { dir.write("chatgate.yaml", text_of(file)); }

  void start_with(const File& file) {
    write(file);
    start_from_file();
  }

  void expect_reload(const std::string& outcome, int status) {
    answer_ = gateway().post("/reload");
    EXPECT_EQ(answer_.status, status);
    EXPECT_THAT(answer_.body, HasSubstr(fmt::format("\"outcome\": \"{}\"", outcome)));
  }

  void expect_applied() { expect_reload("applied", 200); }
  const std::string& answer() const { return answer_.body; }

  // What a session says now, to the message `x`.
  static std::string reply_to(TestClient& client) {
    client.send("x\n");
    return client.receive_line();
  }

  bool was_applied(double times) {
    return eventually([&] {
      return gateway().metric("chatgate_config_reloads_total{result=\"applied\"}") == times;
    });
  }

 private:
  support::HttpResponse answer_;
};

TEST_F(ReloadTest, ShowsTheValuesInForceAndWhereTheyComeFrom) {
  start_with({.rest = "timeouts: {idle: 5m}\n"});
  const auto place = [&](int line) {
    return fmt::format("\"origin\": \"{}:{}:", dir.file("chatgate.yaml"), line);
  };
  const auto before = gateway().get("/config").body;
  EXPECT_THAT(before, HasSubstr("\"path\": \"timeouts.idle\",\n      \"value\": \"5m\",\n      " +
                                place(7)));
  EXPECT_THAT(before, HasSubstr("\"value\": \"30s\",\n      \"origin\": \"default\""));
  write({.rest = "watch: false\ntimeouts: {idle: 6m}\n"});
  expect_applied();
  EXPECT_THAT(gateway().get("/config").body, HasSubstr("\"value\": \"6m\",\n      " + place(8)));
}

TEST_F(ReloadTest, ChangesNothingWhenTheFileIsTheSame) {
  start_with({});
  expect_reload("unchanged", 200);
}

TEST_F(ReloadTest, ChangesTheTextOfALiveSessionAtItsNextMessage) {
  start_with({});
  auto client = greeted();
  EXPECT_EQ(reply_to(client), "<x>");
  write({.reply = "new {message}\\n"});
  expect_applied();
  EXPECT_THAT(answer(), HasSubstr("\"services.greeter.reply\""));
  EXPECT_EQ(reply_to(client), "new x");
}

TEST_F(ReloadTest, KeepsTheOldConfigurationWhenTheNewOneIsBroken) {
  start_with({});
  auto client = greeted();
  write({.reply = "new {mesage}\\n", .rest = "limits: {max_connections: many}\n"});
  expect_reload("rejected", 422);
  EXPECT_THAT(answer(), HasSubstr("chatgate.yaml:3:"));
  EXPECT_THAT(answer(), HasSubstr("chatgate.yaml:7:"));
  EXPECT_EQ(reply_to(client), "<x>");
  EXPECT_EQ(gateway().metric("chatgate_config_last_reload_successful"), 0);
  EXPECT_TRUE(
      eventually([&] { return log().find("event=config_reload_failed") != std::string::npos; }));
  write({});
  expect_reload("unchanged", 200);
  EXPECT_EQ(gateway().metric("chatgate_config_last_reload_successful"), 1);
}

TEST_F(ReloadTest, KeepsTheOldConfigurationWhenTheFileIsGone) {
  start_with({});
  std::filesystem::remove(dir.file("chatgate.yaml"));
  expect_reload("rejected", 422);
  auto client = greeted();
  EXPECT_EQ(reply_to(client), "<x>");
}

TEST_F(ReloadTest, AppliesNothingOfWhatNeedsARestart) {
  start_with({});
  auto text = text_of({.reply = "new\\n"});
  text.replace(text.find("workers: 2"), 10, "workers: 3");
  dir.write("chatgate.yaml", text);
  expect_reload("requires_restart", 409);
  EXPECT_THAT(answer(), HasSubstr("\"threads.workers\""));
  auto client = greeted();
  EXPECT_EQ(reply_to(client), "<x>");
}

TEST_F(ReloadTest, OpensAListenerThatIsNew) {
  start_with({});
  auto client = greeted();
  write({.listeners = R"([{name: public, address: "127.0.0.1:0"},
                          {name: other, address: "127.0.0.1:0"}])"});
  expect_applied();
  TestClient other{gateway().port("other")};
  EXPECT_EQ(other.receive_line(), "hello");
  EXPECT_EQ(reply_to(client), "<x>");
}

TEST_F(ReloadTest, DrainsTheSessionsOfARemovedListenerAlone) {
  start_with({.listeners = R"([{name: public, address: "127.0.0.1:0"},
                               {name: other, address: "127.0.0.1:0"}])"});
  auto client = greeted();
  const auto port = gateway().port("other");
  TestClient other{port};
  EXPECT_EQ(other.receive_line(), "hello");
  write({});
  expect_applied();
  EXPECT_THROW(TestClient{port}, std::runtime_error);
  EXPECT_EQ(other.receive_line(), kEof);
  other.close();
  EXPECT_TRUE(eventually([&] {
    return gateway().metric(
               "chatgate_connections_closed_total"
               "{listener=\"other\",reason=\"drain\"}") == 1;
  }));
  EXPECT_EQ(reply_to(client), "<x>");
}

TEST_F(ReloadTest, MovesAListenerToItsNewAddress) {
  start_with({});
  const auto before = gateway().port();
  auto client = greeted();
  write({.listeners = R"([{name: public, address: "127.0.0.2:0"}])"});
  expect_applied();
  EXPECT_THAT(gateway().address(), StartsWith("127.0.0.2:"));
  EXPECT_EQ(client.receive_line(), kEof);
  EXPECT_THROW(TestClient{before}, std::runtime_error);
  TestClient moved{"127.0.0.2", gateway().port()};
  EXPECT_EQ(moved.receive_line(), "hello");
}

TEST_F(ReloadTest, AccountsForTheSessionsOfAMovedListenerUntilTheyEnd) {
  const auto spread = [](std::string text) {
    return text.replace(text.find("grace: 0s"), 9, "grace: 3s");
  };
  dir.write("chatgate.yaml", spread(text_of({})));
  start_from_file();
  auto client = greeted();
  dir.write("chatgate.yaml",
            spread(text_of({.listeners = R"([{name: public, address: "127.0.0.2:0"}])"})));
  expect_applied();
  EXPECT_EQ(gateway().metric("chatgate_connections_open{listener=\"public\"}"), 1);
  EXPECT_THAT(gateway().get("/connections").body, HasSubstr("\"listener\":\"public\""));
}

TEST_F(ReloadTest, RejectsAnAddressThatIsTaken) {
  start_with({});
  auto client = greeted();
  write({.listeners = fmt::format("[{{name: public, address: \"127.0.0.1:0\"}},"
                                  " {{name: other, address: \"{}\"}}]",
                                  gateway().address()),
         .reply = "new\\n"});
  expect_reload("rejected", 422);
  EXPECT_EQ(reply_to(client), "<x>");
}

TEST_F(ReloadTest, KeepsSessionsAboveALoweredLimit) {
  start_with({});
  auto first = greeted();
  auto second = greeted();
  write({.rest = "limits: {max_connections: 1}\n"});
  expect_applied();
  auto refused = gateway().connect();
  EXPECT_THAT(refused.receive_line(), StartsWith("421 "));
  EXPECT_EQ(reply_to(first), "<x>");
  EXPECT_EQ(reply_to(second), "<x>");
}

// The last of which is the client's. Fewer where a file is read twenty times as slowly.
#if __has_feature(thread_sanitizer)
constexpr int kBlocks = 10'000;
#else
constexpr int kBlocks = 100'000;
#endif
TEST_F(ReloadTest, TakesALongListOfWhomToDeny) {
  start_with({});
  auto client = greeted();
  std::string denied;
  for (int i = 0; i < kBlocks - 1; ++i) {
    denied += fmt::format("10.{}.{}.{}/32,", i >> 16, i >> 8 & 0xFF, i & 0xFF);
  }
  write({.listeners = fmt::format("[{{name: public, address: \"127.0.0.1:0\", access: {{deny: "
                                  "[{}127.0.0.0/8]}}}}]",
                                  denied)});
  expect_applied();
  EXPECT_THAT(answer(), HasSubstr("\"listeners.public.access.deny\""));
  EXPECT_THAT(gateway().connect().receive_line(), StartsWith("421 access denied ["));
  EXPECT_EQ(reply_to(client), "<x>");
  write({});
  expect_applied();
  greeted();
}

TEST_F(ReloadTest, LetsWaitingClientsInWhenItRaisesALimit) {
  start_with({.rest = "limits: {max_connections: 1, over_limit: backlog}\n"});
  auto first = greeted();
  auto second = gateway().connect();
  write({.rest = "limits: {max_connections: 2, over_limit: backlog}\n"});
  expect_applied();
  EXPECT_EQ(second.receive_line(), "hello");
}

TEST_F(ReloadTest, LosesNoConnectionHoweverOften) {
  constexpr int kClients = 4;
  start_with({});
  std::atomic<bool> is_over{false};
  std::atomic<int> lost{0};
  std::vector<std::thread> running;
  for (int i = 0; i < kClients; ++i) {
    running.emplace_back([&] {
      auto client = greeted();
      while (!is_over) {
        if (reply_to(client).find('x') == std::string::npos) ++lost;
        greeted();
      }
    });
  }
  for (int i = 0; i < 50; ++i) {
    write({.reply = fmt::format("{{message}} {}\\n", i)});
    expect_applied();
  }
  is_over = true;
  for (auto& thread : running) thread.join();
  EXPECT_EQ(lost, 0);
  EXPECT_EQ(gateway().ended("drain") + gateway().ended("internal_error"), 0);
}

TEST_F(ReloadTest, OpensTheLogFileAnew) {
  start_with({});
  std::filesystem::rename(dir.file("gateway.log"), dir.file("gateway.log.1"));
  expect_reload("unchanged", 200);
  greeted().close();
  EXPECT_TRUE(eventually([&] { return log().find("event=session_closed") != std::string::npos; }));
  EXPECT_THAT(dir.read("gateway.log.1"), HasSubstr("event=ready"));
}

TEST_F(ReloadTest, WatchesForAFileThatReplacesItsOwn) {
  start_with({.rest = "watch: true\n"});
  auto client = greeted();
  const auto next = dir.write("next.yaml", text_of({.reply = "new\\n", .rest = "watch: true\n"}));
  std::filesystem::rename(next, dir.file("chatgate.yaml"));
  EXPECT_TRUE(was_applied(1));
  EXPECT_EQ(reply_to(client), "new");
}

TEST_F(ReloadTest, WatchesForTheSwapOfAConfigMap) {
  namespace fs = std::filesystem;
  const auto publish = [&](const std::string& version, const File& file) {
    fs::create_directory(dir.file(version));
    dir.write(version + "/chatgate.yaml", text_of(file));
    fs::create_directory_symlink(version, dir.file("..data_tmp"));
    fs::rename(dir.file("..data_tmp"), dir.file("..data"));
  };
  publish("..one", {.rest = "watch: true\n"});
  fs::create_symlink("..data/chatgate.yaml", dir.file("chatgate.yaml"));
  start_from_file();
  auto client = greeted();
  publish("..two", {.reply = "new\\n", .rest = "watch: true\n"});
  EXPECT_TRUE(was_applied(1));
  EXPECT_EQ(reply_to(client), "new");
}

}  // namespace
}  // namespace chatgate::integration
