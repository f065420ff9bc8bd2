#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <chatgate/net/task.h>

namespace chatgate::net {
namespace {

// Suspends until somebody resumes it.
struct Pause {
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) noexcept { waiter = handle; }
  void await_resume() const noexcept {}

  std::coroutine_handle<> waiter;
};

// A frame that is freed lets go of `held`.
Task<std::string> said(std::string text, std::shared_ptr<int> held) {
  ++*held;
  co_return text + std::to_string(*held);
}

Task<std::string> said_after(Pause& pause, std::string text, std::shared_ptr<int> held) {
  co_await pause;
  auto inner = said(std::move(text), held);
  const auto result = co_await inner;
  co_return result;
}

Task<int> failing() {
  throw std::runtime_error{"no"};
  co_return 0;
}

RootTask store(Task<std::string> task, std::string& result) {
  result = "started";
  result = co_await task;
}

RootTask store_failure(Task<int> task, std::string& result) {
  try {
    const int ignored = co_await task;
    result = std::to_string(ignored);
  } catch (const std::runtime_error& error) {
    result = error.what();
  }
}

TEST(TaskTest, StartsWhenItIsAwaited) {
  const auto held = std::make_shared<int>(0);
  std::string result;
  auto task = said("text", held);
  EXPECT_EQ(*held, 0);
  store(std::move(task), result);
  EXPECT_EQ(result, "text1");
}

TEST(TaskTest, FreesItsFrameWhenItNeverStarts) {
  const auto held = std::make_shared<int>(0);
  {
    const auto task = said("text", held);
    EXPECT_EQ(held.use_count(), 2);
  }
  EXPECT_EQ(held.use_count(), 1);
}

TEST(TaskTest, GoesOnWhereItWasSuspendedAndFreesEveryFrame) {
  const auto held = std::make_shared<int>(0);
  std::string result;
  Pause pause;
  store(said_after(pause, "text", held), result);
  EXPECT_EQ(result, "started");
  pause.waiter.resume();
  EXPECT_EQ(result, "text1");
  EXPECT_EQ(held.use_count(), 1);
}

TEST(TaskTest, ThrowsToItsAwaiterWhatItDidNotCatch) {
  std::string result;
  store_failure(failing(), result);
  EXPECT_EQ(result, "no");
}

RootTask fail() {
  throw std::runtime_error{"a bug"};
  co_return;
}

TEST(RootTaskDeathTest, TerminatesWhenAnExceptionLeavesIt) { EXPECT_DEATH(fail(), "a bug"); }

}  // namespace
}  // namespace chatgate::net
