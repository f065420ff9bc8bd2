#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <chatgate/support/eventually.h>

namespace chatgate::net {

/// What happened on a loop, in words and in order, for the test that waits for it.
///
/// Threads: any.
class Events {
 public:
  void add(std::string event) {
    const std::scoped_lock lock{mutex_};
    events_.push_back(std::move(event));
    added_.notify_one();
  }

  /// The oldest event that was not taken yet; waits for it. `<nothing>` when there comes none.
  std::string next() {
    std::unique_lock lock{mutex_};
    const bool has_one =
        added_.wait_for(lock, support::kPatience, [&] { return !events_.empty(); });
    if (!has_one) return "<nothing>";
    auto event = std::move(events_.front());
    events_.pop_front();
    return event;
  }

  /// The next `count` events.
  std::vector<std::string> next(std::size_t count) {
    std::vector<std::string> events;
    while (events.size() < count) events.push_back(next());
    return events;
  }

 private:
  std::mutex mutex_;
  std::condition_variable added_;
  std::deque<std::string> events_;
};

}  // namespace chatgate::net
