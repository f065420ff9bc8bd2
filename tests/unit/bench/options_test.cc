#include <functional>
#include <ostream>
#include <string>

#include <gmock/gmock.h>

#include <chatgate/bench/options.h>

namespace chatgate::bench {
namespace {

using namespace std::chrono_literals;

Options good_options() {
  Options options;
  options.address = "127.0.0.1:1";
  options.message = "hello";
  options.operations = 1;
  options.timeout = 1s;
  return options;
}

TEST(BenchOptionsTest, GoodOnesHaveNoMistake) {
  EXPECT_EQ(find_mistake(good_options()), std::nullopt);
}

struct Mistake {
  const char* name;
  std::function<void(Options&)> make;
  const char* says;
};

void PrintTo(const Mistake& mistake, std::ostream* out) { *out << mistake.name; }

class BenchMistakeTest : public ::testing::TestWithParam<Mistake> {};

TEST_P(BenchMistakeTest, IsNamed) {
  auto options = good_options();
  GetParam().make(options);
  const auto mistake = find_mistake(options);
  ASSERT_TRUE(mistake);
  EXPECT_THAT(*mistake, ::testing::HasSubstr(GetParam().says));
}

const Mistake kMistakes[] = {
    {"NoConnection", [](Options& o) { o.connections = 0; }, "--connections: expected 1 to"},
    {"NoWindow", [](Options& o) { o.window = 0; }, "--window: expected 1 to 1024, got 0"},
    {"HugeMessage", [](Options& o) { o.message.assign(kMessageBytesMax + 1, 'x'); }, "--size"},
    {"TwoLines", [](Options& o) { o.message = "a\nb"; }, "--say"},
    {"NoThreads", [](Options& o) { o.threads = 0; }, "--threads: expected 1 to 64, got 0"},
    {"IdleThreads", [](Options& o) { o.threads = 51; }, "--threads: 51 threads for 50"},
    {"NegativeRate", [](Options& o) { o.rate = -1; }, "--rate"},
    {"ManySources", [](Options& o) { o.sources = 251; }, "--sources: expected 1 to 250, got 251"},
    {"NoReply", [](Options& o) { o.reply_lines = 0; }, "--reply-lines: expected 1"},
    {"NoPreamble", [](Options& o) { o.preamble_replies = 1; }, "there is no --preamble"},
    {"TwoEnds", [](Options& o) { o.duration = 1s; }, "--operations and --duration: give one"},
    {"NoTimeout", [](Options& o) { o.timeout = 0s; }, "--timeout"},
    {"TwoSources",
     [](Options& o) {
       o.server_pid = 1;
       o.admin_address = "127.0.0.1:9464";
     },
     "--server-pid and --admin: give one"},
    {"TalkAnyway", [](Options& o) { o.talk = true; }, "--talk: only in idle mode"},
    {"WindowOfConnections",
     [](Options& o) {
       o.mode = Mode::Connection;
       o.window = 2;
     },
     "--window: only in message mode"},
    {"PacedIdling",
     [](Options& o) {
       o.mode = Mode::Idle;
       o.operations = 0;
       o.rate = 5;
     },
     "--rate: idle mode"},
    {"IdleOperations", [](Options& o) { o.mode = Mode::Idle; }, "idle mode opens --connections"},
    {"IgnoredLineEnd", [](Options& o) { o.ignore = "PING\n"; }, "--ignore"},
};

INSTANTIATE_TEST_SUITE_P(All, BenchMistakeTest, ::testing::ValuesIn(kMistakes),
                         [](const auto& info) { return std::string{info.param.name}; });

}  // namespace
}  // namespace chatgate::bench
