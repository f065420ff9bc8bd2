#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>

namespace chatgate::bench {

inline constexpr std::string_view kGreeting = "测试成功!\n";
inline constexpr std::string_view kReply = "收到的信息:";

/// The longest beginning of a line that a floor keeps; who sends more is dropped.
inline constexpr std::size_t kTailMax = 4096;

/// Bytes that reply_to_lines() may write for `input` bytes: all of them ends of lines.
constexpr std::size_t replies_max(std::size_t input) {
  return kTailMax + input * (kReply.size() + 1);
}

/// Writes the replies to the lines that end in `bytes` to `out`, and returns where they end.
/// `tail` is the unfinished line of the reads before, at most kTailMax bytes; it becomes what
/// `bytes` leaves unfinished, and may then be longer. Cost: no allocation for whole lines.
inline char* reply_to_lines(std::string& tail, std::string_view bytes, char* out) {
  const auto append = [&out](std::string_view text) {
    std::memcpy(out, text.data(), text.size());
    out += text.size();
  };
  while (true) {
    const void* end = std::memchr(bytes.data(), '\n', bytes.size());
    if (end == nullptr) break;
    const auto size = static_cast<std::size_t>(static_cast<const char*>(end) - bytes.data()) + 1;
    append(kReply);
    if (!tail.empty()) {
      append(tail);
      tail.clear();
    }
    append(bytes.substr(0, size));
    bytes.remove_prefix(size);
    if (bytes.empty()) return out;
  }
  tail += bytes;
  return out;
}

/// Throws what a system call that answered below zero left in errno.
inline int checked(int result, const char* what) {
  if (result < 0) throw std::system_error{errno, std::generic_category(), what};
  return result;
}

/// The main() of a floor: `NAME [THREADS]`. Opens one listening socket a thread, all on one port of
/// 127.0.0.1, prints that port, and runs `serve` with a socket on each thread, until it is killed.
/// Returns 71 when the system refuses, or what `serve` throws as std::system_error; 2 for wrong
/// usage. What is accepted has TCP_NODELAY; the sockets do not block.
int run_floor(int argc, char** argv, void (*serve)(int listener));

}  // namespace chatgate::bench
