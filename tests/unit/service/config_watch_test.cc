#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>

#include <gtest/gtest.h>

#include <chatgate/net/alarm.h>
#include <chatgate/service/config_watch.h>
#include <chatgate/support/eventually.h>
#include <chatgate/support/temp_dir.h>

namespace chatgate::service {
namespace {

using namespace std::chrono_literals;

class ConfigWatchTest : public ::testing::Test {
 protected:
  ~ConfigWatchTest() override {
    loop_.run([this] {
      watch_.reset();
      later_.reset();
    });
  }

  void watch() {
    loop_.run([this] {
      watch_ = std::make_unique<ConfigWatch>(loop_, folder_.file("gate.yaml"), [this] { ++told_; });
    });
  }

  // How often the watch told, once everything written so far has been quiet for long enough.
  int told_in_the_end() {
    std::atomic<bool> is_later = false;
    loop_.run([&] {
      later_ = std::make_unique<net::Alarm>(loop_);
      later_->set(base::Clock::now() + 800ms, [&] { is_later = true; });
    });
    EXPECT_TRUE(support::eventually([&] { return is_later.load(); }));
    return told_;
  }

  const support::TempDir folder_;
  std::atomic<int> told_ = 0;
  net::EventLoop loop_{"loop"};
  std::unique_ptr<ConfigWatch> watch_;
  std::unique_ptr<net::Alarm> later_;
};

TEST_F(ConfigWatchTest, TellsThatTheFileWasWritten) {
  folder_.write("gate.yaml", "before");
  watch();
  folder_.write("gate.yaml", "after");
  EXPECT_TRUE(support::eventually([this] { return told_ == 1; }));
}

TEST_F(ConfigWatchTest, TellsThatTheFileWasReplacedAsEditorsDo) {
  folder_.write("gate.yaml", "before");
  watch();
  std::filesystem::rename(folder_.write("gate.yaml~", "after"), folder_.file("gate.yaml"));
  EXPECT_TRUE(support::eventually([this] { return told_ == 1; }));
}

TEST_F(ConfigWatchTest, TellsThatAConfigMapWasSwapped) {
  std::filesystem::create_directory(folder_.file("..v1"));
  std::filesystem::create_directory(folder_.file("..v2"));
  folder_.write("..v1/gate.yaml", "before");
  folder_.write("..v2/gate.yaml", "after");
  std::filesystem::create_directory_symlink("..v1", folder_.file("..data"));
  std::filesystem::create_symlink("..data/gate.yaml", folder_.file("gate.yaml"));
  watch();
  std::filesystem::create_directory_symlink("..v2", folder_.file("..data_tmp"));
  std::filesystem::rename(folder_.file("..data_tmp"), folder_.file("..data"));
  EXPECT_TRUE(support::eventually([this] { return told_ == 1; }));
  EXPECT_EQ(folder_.read("gate.yaml"), "after");
}

TEST_F(ConfigWatchTest, TellsOfABurstOnce) {
  watch();
  for (int i = 0; i < 10; ++i) folder_.write("gate.yaml", std::to_string(i));
  EXPECT_EQ(told_in_the_end(), 1);
}

TEST_F(ConfigWatchTest, IsSilentAboutOtherFiles) {
  watch();
  folder_.write("other.yaml", "text");
  folder_.write("gate.yaml.swp", "text");
  EXPECT_EQ(told_in_the_end(), 0);
}

TEST_F(ConfigWatchTest, IsSilentOnceItIsDestroyed) {
  watch();
  folder_.write("gate.yaml", "text");
  loop_.run([this] { watch_.reset(); });
  EXPECT_EQ(told_in_the_end(), 0);
}

TEST_F(ConfigWatchTest, SaysThatTheFolderCannotBeWatched) {
  const auto missing = folder_.file("missing/gate.yaml");
  EXPECT_THROW(loop_.run([&] { ConfigWatch{loop_, missing, [] {}}; }), std::system_error);
}

}  // namespace
}  // namespace chatgate::service
