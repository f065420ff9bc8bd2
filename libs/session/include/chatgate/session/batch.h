#pragma once

#include <vector>

#include <chatgate/base/text_buffer.h>
#include <chatgate/net/output_queue.h>

namespace chatgate::session {

/// Replies that one session renders before it sends them in one call. Empty between sessions.
///
/// Threads: its worker's.
struct Batch {
  base::TextBuffer text;
  std::vector<net::ReplyMark> replies;

  void clear() noexcept {
    text.clear();
    replies.clear();
  }
};

}  // namespace chatgate::session
