#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

#include <chatgate/base/assert.h>

namespace chatgate::net {

/// A coroutine that starts when it is awaited and gives one value of type T to who awaits it.
///
/// Threads: starts, continues and ends on the one thread of its awaiter.
/// Lifetime: owns its frame; destroy it only before it starts or after it ended.
/// Errors: an exception that leaves the coroutine is rethrown to the awaiter.
template <class T>
class [[nodiscard]] Task {
 public:
  struct promise_type;

  Task(Task&& other) noexcept : frame_{std::exchange(other.frame_, {})} {}
  Task& operator=(Task&&) = delete;
  ~Task() {
    if (frame_) frame_.destroy();
  }

  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiter) noexcept {
    frame_.promise().awaiter = awaiter;
    return frame_;
  }
  T await_resume() {
    if (frame_.promise().failure) std::rethrow_exception(frame_.promise().failure);
    CHATGATE_ASSERT(frame_.promise().value.has_value());
    return std::move(*frame_.promise().value);
  }

 private:
  explicit Task(std::coroutine_handle<promise_type> frame) noexcept : frame_{frame} {}

  std::coroutine_handle<promise_type> frame_;
};

template <class T>
struct Task<T>::promise_type {
  struct ToAwaiter {
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(
        std::coroutine_handle<promise_type> ended) const noexcept {
      return ended.promise().awaiter;
    }
    void await_resume() const noexcept {}
  };

  Task get_return_object() noexcept {
    return Task{std::coroutine_handle<promise_type>::from_promise(*this)};
  }
  std::suspend_always initial_suspend() const noexcept { return {}; }
  ToAwaiter final_suspend() const noexcept { return {}; }
  void return_value(T result) { value = std::move(result); }
  void unhandled_exception() noexcept { failure = std::current_exception(); }

  std::coroutine_handle<> awaiter;
  std::optional<T> value;
  std::exception_ptr failure;
};

/// A coroutine that nobody awaits: starts at once, owns itself, frees its frame when it ends.
///
/// Errors: an exception that leaves it is a bug and terminates, with the guilty stack in the core.
struct RootTask {
  struct promise_type {
    RootTask get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
};

}  // namespace chatgate::net
