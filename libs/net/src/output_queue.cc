#include <utility>

#include <chatgate/base/assert.h>
#include <chatgate/net/output_queue.h>

namespace chatgate::net {

void OutputQueue::append(std::string_view batch, std::size_t sent,
                         const std::vector<ReplyMark>& replies) {
  CHATGATE_ASSERT(sent <= batch.size());
  // Moving the rest to the front is paid for by the bytes sent since the last move.
  if (head_ > bytes_.size() / 2) {
    bytes_.erase(0, std::exchange(head_, 0));
    marks_.erase(marks_.begin(),
                 marks_.begin() + static_cast<std::ptrdiff_t>(std::exchange(first_mark_, 0)));
  }
  const std::size_t start = consumed_ + size();
  for (const auto& reply : replies) {
    if (reply.end > sent) marks_.push_back({start + reply.end - sent, reply.asked_at});
  }
  bytes_.append(batch.substr(sent));
}

void OutputQueue::consume_bytes(std::size_t count, base::Clock::time_point now) {
  CHATGATE_ASSERT(count <= size());
  head_ += count;
  consumed_ += count;
  progress_at_ = now;
}

}  // namespace chatgate::net
