#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <chatgate/base/units.h>

namespace chatgate::net {

/// Where in a batch of output a reply ends, and since when its client waits for it.
struct ReplyMark {
  std::size_t end = 0;  // Bytes of the batch up to and including the reply.
  base::Clock::time_point asked_at;
};

/// Output that the socket did not take yet. Exists only while there is some.
///
/// Threads: confined to the loop of its connection. The owner bounds its size.
class OutputQueue {
 public:
  explicit OutputQueue(base::Clock::time_point now) noexcept : progress_at_{now} {}

  /// The bytes to send next.
  std::string_view front() const noexcept { return std::string_view{bytes_}.substr(head_); }
  std::size_t size() const noexcept { return bytes_.size() - head_; }

  /// Replies of which at least one byte waits.
  std::size_t replies() const noexcept { return marks_.size() - first_mark_; }

  /// When the queue came to be or the socket last took a byte of it.
  base::Clock::time_point progress_at() const noexcept { return progress_at_; }

  /// Adds what is left of a batch after its first `sent` bytes.
  void append(std::string_view batch, std::size_t sent, const std::vector<ReplyMark>& replies);

  /// Forgets `count` sent bytes; calls `on_reply(asked_at)` for each reply that they complete.
  template <class OnReply>
  void consume(std::size_t count, base::Clock::time_point now, OnReply on_reply) {
    consume_bytes(count, now);
    while (first_mark_ < marks_.size() && marks_[first_mark_].end <= consumed_) {
      on_reply(marks_[first_mark_++].asked_at);
    }
  }

 private:
  void consume_bytes(std::size_t count, base::Clock::time_point now);

  std::string bytes_;
  std::size_t head_ = 0;          // bytes_[0, head_) are sent.
  std::size_t consumed_ = 0;      // Bytes sent since the queue came to be.
  std::vector<ReplyMark> marks_;  // `end` counted from when the queue came to be.
  std::size_t first_mark_ = 0;    // marks_[0, first_mark_) are sent.
  base::Clock::time_point progress_at_;
};

}  // namespace chatgate::net
