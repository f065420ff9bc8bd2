#pragma once

#include "events.h"
#include "socket_pair.h"

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <ostream>

#include <chatgate/net/connection.h>
#include <chatgate/net/task.h>

namespace chatgate::net {

/// Over what a test converses.
struct Transport {
  const char* name;
  SocketPair (*connect)();
};

void PrintTo(const Transport& transport, std::ostream* out);

/// `ready`, `timed out`, `told` or `failed`.
const char* word(Wake wake);

/// A connection on a loop, and the coroutine that waits for it.
///
/// A script ends when it is told to. It adds to `events` what it wants the test to know, and so
/// does the connection: `reply N`, N being the seconds of its `asked_at`, when a queued reply is
/// flushed.
///
/// Threads: the test's; what is given to run() and start() runs on the loop.
class Conversation final : private Connection::Observer {
 public:
  using Script = std::function<RootTask(Connection&)>;

  Conversation(EventLoop& loop, UniqueFd socket, Events& events);
  ~Conversation() { end(); }
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  /// Starts a script, which lives as long as the conversation does.
  void start(Script script);

  /// Starts a script that adds all it reads, `bytes` at a time, to the events, and `<nothing>`,
  /// `<eof>`, `<failed>`, `timed out`, `told` and `failed`. Goes on after a time-out.
  void start_reading(std::size_t bytes);

  template <class Work>
  auto run(Work work) {
    return loop_.run([&] { return work(*connection_); });
  }

  /// Tells the script to end, and destroys the connection. end_here() is for the loop's thread.
  void end();
  void end_here();

  /// Bytes that were sent after they had been queued.
  std::size_t flushed_bytes() const noexcept { return flushed_bytes_; }

 private:
  void on_flushed(std::size_t bytes) override { flushed_bytes_ += bytes; }
  void on_reply_flushed(Connection::Clock::time_point asked_at,
                        Connection::Clock::time_point now) override;

  EventLoop& loop_;
  Events& events_;
  std::unique_ptr<Connection> connection_;
  std::vector<std::unique_ptr<Script>> scripts_;
  std::atomic<std::size_t> flushed_bytes_ = 0;
};

}  // namespace chatgate::net
