#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <sys/types.h>

namespace chatgate::bench {

/// What one operation is.
enum class Mode : std::uint8_t {
  Message,     // A message and its reply, over connections that stay.
  Connection,  // Connect, greeting, one message, its reply, close.
  Idle,        // Connect, greeting; then the connection is held.
};

/// How the client talks to the kernel.
enum class EngineKind : std::uint8_t {
  Auto,  // io_uring where this build and this kernel have it, else epoll.
  Epoll,
  IoUring,
};

/// The load, and the line protocol that it speaks.
struct Options {
  std::string address;  // HOST:PORT, [V6]:PORT or unix:/path.
  Mode mode = Mode::Message;
  EngineKind engine = EngineKind::Auto;
  unsigned threads = 1;
  unsigned sources = 1;  // Local addresses: 127.0.0.1 to 127.0.0.N; 1 = what the kernel chooses.

  std::size_t connections = 50;      // That work, of all threads together.
  std::size_t idle_connections = 0;  // That are opened, greeted and held silent meanwhile.
  std::size_t window = 1;            // Messages of a connection that may wait for their reply.

  std::string message;               // Without its end of line.
  std::string line_end = "\n";       // "\n" or "\r\n"
  std::size_t greeting_lines = 1;    // That the server says first.
  std::string preamble;              // Said once after the greeting; `{n}` is the client's number.
  std::size_t preamble_replies = 0;  // Lines.
  std::size_t reply_lines = 1;       // Of one message; at least 1.
  std::string
      ignore;  // Lines that begin so do not count, such as a server's own PING; empty = none.

  double rate = 0;  // Open loop: operations a second of all connections together; 0 = closed loop.
  std::uint64_t operations = 0;         // Measured ones; 0 = until `duration` is over.
  std::chrono::nanoseconds duration{};  // 0 = until `operations` are done.
  std::uint64_t warmup = 0;             // Operations before the measured ones.
  std::chrono::nanoseconds hold{};      // Idle mode.
  std::chrono::nanoseconds timeout{};   // For a connection to make progress.
  bool talk = false;                    // Idle mode: one message before idling.

  std::optional<::pid_t> server_pid;         // Whose cost to tell; or:
  std::optional<std::string> admin_address;  // HOST:PORT of the gateway's admin endpoint.
};

inline constexpr std::size_t kConnectionsMax = 1'000'000;
inline constexpr std::size_t kWindowMax = 1'024;
inline constexpr std::size_t kMessageBytesMax = 64 << 10;
inline constexpr unsigned kThreadsMax = 64;
inline constexpr unsigned kSourcesMax = 250;
inline constexpr double kRateMax = 100e6;

/// What is wrong with the options, in words for the person who gave them; nothing if they are fine.
std::optional<std::string> find_mistake(const Options& options);

const char* to_text(Mode mode);
const char* to_text(EngineKind kind);

}  // namespace chatgate::bench
