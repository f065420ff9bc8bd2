#include "config_lines.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chatgate/service/schema.h>

namespace chatgate::service {
namespace {

using ::testing::IsEmpty;
using namespace std::chrono_literals;

LoadedConfig load_file(const std::string& name) {
  return load_config(std::string{CHATGATE_CONFIGS} + '/' + name, {});
}

TEST(ConfigFilesTest, TheAnnotatedFileIsTheDefaults) {
  const auto loaded = load_file("chatgate.yaml");
  EXPECT_THAT(lines_of(loaded), IsEmpty());
  EXPECT_EQ(loaded.config, GatewayConfig{});
}

TEST(ConfigFilesTest, TheAnnotatedFileHasEveryKey) {
  auto loaded = load_file("chatgate.yaml");
  for (const auto& place : config::leaves(schema().root(), &loaded.config)) {
    EXPECT_TRUE(loaded.origins.contains(place.path)) << place.path;
  }
}

TEST(ConfigFilesTest, TheSeedGreetsReadsOnceRepliesAndCloses) {
  const auto loaded = load_file("seed.yaml");
  ASSERT_THAT(lines_of(loaded), IsEmpty());
  const auto& listener = loaded.config.listeners.at(0);
  EXPECT_EQ(net::to_text(listener.address), "127.0.0.1:1935");
  EXPECT_EQ(listener.backlog, 4U);
  const auto& service = loaded.config.services.at(listener.service);
  EXPECT_EQ(service.greeting, "测试成功!\n");
  EXPECT_EQ(service.framing, session::Framing::Read);
  EXPECT_EQ(service.max_message, base::Bytes{8192});
  EXPECT_EQ(service.messages_per_session, 1U);
  EXPECT_EQ(service.reply, "收到的信息:{message}\n");
}

TEST(ConfigFilesTest, TheProductionFileIsValid) {
  const auto loaded = load_file("production.yaml");
  EXPECT_THAT(lines_of(loaded), IsEmpty());
  EXPECT_EQ(loaded.config.log.format, telemetry::LogFormat::Json);
  EXPECT_EQ(loaded.config.drain.announce, 5s);
}

}  // namespace
}  // namespace chatgate::service
