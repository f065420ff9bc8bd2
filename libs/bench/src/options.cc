#include <fmt/format.h>

#include <chatgate/bench/options.h>

namespace chatgate::bench {
namespace {

using Mistake = std::optional<std::string>;

template <class Number>
Mistake outside(const char* option, Number value, Number least, Number most) {
  if (value >= least && value <= most) return std::nullopt;
  return fmt::format("{}: expected {} to {}, got {}", option, least, most, value);
}

Mistake mistake_in_load(const Options& options) {
  if (options.mode == Mode::Idle && options.rate > 0) {
    return "--rate: idle mode has no operations to pace";
  }
  if (options.mode == Mode::Idle && (options.operations > 0 || options.duration.count() > 0)) {
    return "--operations and --duration: idle mode opens --connections and holds them for --hold";
  }
  if (options.mode != Mode::Idle && options.talk) return "--talk: only in idle mode";
  if (options.operations > 0 && options.duration.count() > 0) {
    return "--operations and --duration: give one of them";
  }
  if (options.mode != Mode::Message && options.window > 1) return "--window: only in message mode";
  if (options.threads > options.connections) {
    return fmt::format("--threads: {} threads for {} connections", options.threads,
                       options.connections);
  }
  if (options.server_pid && options.admin_address) {
    return "--server-pid and --admin: give one of them";
  }
  if (options.timeout.count() <= 0) return "--timeout: expected more than 0s";
  return std::nullopt;
}

Mistake mistake_in_protocol(const Options& options) {
  if (options.message.find('\n') != std::string::npos) {
    return "--say: a message is one line; its end is added";
  }
  if (options.ignore.find('\n') != std::string::npos) {
    return "--ignore: the beginning of a line has no end of line";
  }
  if (options.preamble.empty() && options.preamble_replies > 0) {
    return "--preamble-replies: there is no --preamble to reply to";
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> find_mistake(const Options& options) {
  using Size = std::size_t;
  const Mistake mistakes[] = {
      outside("--connections", options.connections, Size{1}, kConnectionsMax),
      outside("--idle-connections", options.idle_connections, Size{0}, kConnectionsMax),
      outside("--window", options.window, Size{1}, kWindowMax),
      outside("--size", options.message.size(), Size{0}, kMessageBytesMax),
      outside("--ignore", options.ignore.size(), Size{0}, Size{100}),
      outside("--reply-lines", options.reply_lines, Size{1}, Size{1'000}),
      outside("--greeting-lines", options.greeting_lines, Size{0}, Size{1'000}),
      outside("--preamble-replies", options.preamble_replies, Size{0}, Size{1'000}),
      outside("--sources", options.sources, 1U, kSourcesMax),
      outside("--threads", options.threads, 1U, kThreadsMax),
      outside("--rate", options.rate, 0.0, kRateMax),
      mistake_in_load(options),
      mistake_in_protocol(options),
  };
  for (const auto& mistake : mistakes) {
    if (mistake) return mistake;
  }
  return std::nullopt;
}

const char* to_text(Mode mode) {
  switch (mode) {
    case Mode::Message:
      return "message";
    case Mode::Connection:
      return "connection";
    case Mode::Idle:
      return "idle";
  }
  return "?";
}

const char* to_text(EngineKind kind) {
  switch (kind) {
    case EngineKind::Auto:
      return "auto";
    case EngineKind::Epoll:
      return "epoll";
    case EngineKind::IoUring:
      return "io_uring";
  }
  return "?";
}

}  // namespace chatgate::bench
