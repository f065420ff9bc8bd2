#include "chatgate/service/probe.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <ostream>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chatgate/base/expected.h>
#include <chatgate/base/units.h>
#include <chatgate/net/resolve.h>
#include <chatgate/net/unique_fd.h>
#include <chatgate/telemetry/escape.h>

namespace chatgate::service {
namespace {

using base::Clock;
using base::Expected;
using base::Unexpected;

constexpr std::size_t kLineBytesMax = 64 << 10;
constexpr std::string_view kRefusal = "421 ";

std::string system_text(int error) { return std::generic_category().message(error); }

/// A client's socket, every operation of which ends at one deadline.
class Conversation {
 public:
  explicit Conversation(Clock::time_point deadline) : deadline_{deadline} {}

  /// Connects to the first candidate that accepts. Returns the last one's error, or nothing.
  std::optional<std::string> connect(const std::vector<net::RemoteAddress>& candidates);
  std::optional<std::string> send(std::string_view text);
  Expected<std::string, std::string> read_line();

  /// Closes our side, and waits for the server's: closing with unread input would reset it.
  void finish();

 private:
  std::optional<std::string> connect_to(const net::RemoteAddress& candidate);
  bool wait_for(short events);

  const Clock::time_point deadline_;
  net::UniqueFd socket_;
  std::string input_;  // Received and not yet handed out.
};

// False at the deadline. A failed poll counts as ready: the call that follows says what is wrong.
bool Conversation::wait_for(short events) {
  constexpr std::chrono::milliseconds kPollMax{60'000};
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Clock::now());
    if (left.count() <= 0) return false;
    ::pollfd entry{socket_.get(), events, 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(std::min(left, kPollMax).count()));
    if (ready > 0 || (ready < 0 && errno != EINTR)) return true;
  }
}

std::optional<std::string> Conversation::connect(
    const std::vector<net::RemoteAddress>& candidates) {
  std::optional<std::string> error = "the name has no address";
  for (const auto& candidate : candidates) {
    error = connect_to(candidate);
    if (!error) break;
  }
  return error;
}

std::optional<std::string> Conversation::connect_to(const net::RemoteAddress& candidate) {
  socket_.reset(
      ::socket(candidate.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket_) return system_text(errno);
  if (::connect(socket_.get(), candidate.get(), candidate.length) == 0) return std::nullopt;
  if (errno != EINPROGRESS) return system_text(errno);
  if (!wait_for(POLLOUT)) return "no connection in time";
  int error = 0;
  ::socklen_t length = sizeof error;
  if (::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &length) != 0) error = errno;
  if (error != 0) return system_text(error);
  return std::nullopt;
}

std::optional<std::string> Conversation::send(std::string_view text) {
  while (!text.empty()) {
    const auto sent = ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      text.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno != EAGAIN && errno != EINTR) {
      return system_text(errno);
    } else if (!wait_for(POLLOUT)) {
      return "the server does not read";
    }
  }
  return std::nullopt;
}

Expected<std::string, std::string> Conversation::read_line() {
  while (true) {
    if (const auto end = input_.find('\n'); end != std::string::npos) {
      auto line = input_.substr(0, end);
      input_.erase(0, end + 1);
      if (line.ends_with('\r')) line.pop_back();
      return line;
    }
    if (input_.size() > kLineBytesMax) return Unexpected{std::string{"a line without end"}};
    if (!wait_for(POLLIN)) return Unexpected{std::string{"no line in time"}};
    std::array<char, 4096> piece;
    const auto size = ::recv(socket_.get(), piece.data(), piece.size(), 0);
    if (size > 0) {
      input_.append(piece.data(), static_cast<std::size_t>(size));
    } else if (size == 0) {
      return Unexpected{std::string{"the server closed the connection"}};
    } else if (errno != EAGAIN && errno != EINTR) {
      return Unexpected{system_text(errno)};
    }
  }
}

void Conversation::finish() {
  if (::shutdown(socket_.get(), SHUT_WR) != 0) return;
  std::array<char, 4096> ignored;
  while (wait_for(POLLIN)) {
    const auto size = ::recv(socket_.get(), ignored.data(), ignored.size(), 0);
    if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) return;
  }
}

/// Measures the steps of one probe, one after the other.
class Stopwatch {
 public:
  std::chrono::nanoseconds lap() {
    const auto now = Clock::now();
    return now - std::exchange(started_, now);
  }

 private:
  Clock::time_point started_ = Clock::now();
};

std::optional<std::string> missing(const ProbeOptions& options, std::string_view text) {
  if (!options.expect || text.find(*options.expect) != std::string_view::npos) return std::nullopt;
  return fmt::format("expected '{}', got '{}'", *options.expect, text);
}

// The steps in order; the first that fails names itself.
std::optional<std::string> converse(const ProbeOptions& options, ProbeResult& result) {
  const auto deadline = Clock::now() + options.timeout;
  const auto candidates = net::resolve(options.address);
  if (!candidates) return fmt::format("{}: {}", options.address, candidates.error());

  Conversation conversation{deadline};
  Stopwatch watch;
  if (const auto error = conversation.connect(*candidates)) {
    return fmt::format("cannot connect to {}: {}", options.address, *error);
  }
  result.connect = watch.lap();
  auto greeting = conversation.read_line();
  if (!greeting) return fmt::format("no greeting: {}", greeting.error());
  result.greeting = watch.lap();
  result.greeting_text = *std::move(greeting);
  if (result.greeting_text.starts_with(kRefusal)) {
    return fmt::format("refused: {}", result.greeting_text);
  }
  if (options.send) {
    if (const auto error = conversation.send(*options.send + '\n')) {
      return fmt::format("cannot send: {}", *error);
    }
    watch.lap();
    auto reply = conversation.read_line();
    if (!reply) return fmt::format("no reply: {}", reply.error());
    result.reply = watch.lap();
    result.reply_text = *std::move(reply);
  }
  conversation.finish();
  return missing(options, options.send ? result.reply_text : result.greeting_text);
}

double milliseconds(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double, std::milli>{duration}.count();
}

}  // namespace

ProbeResult probe(const ProbeOptions& options) {
  ProbeResult result;
  if (auto error = converse(options, result)) {
    result.error = *std::move(error);
  } else {
    result.ok = true;
  }
  return result;
}

int run_probe(const ProbeOptions& options, std::ostream& out, std::ostream& err) {
  const auto result = probe(options);
  if (!result.ok) {
    err << fmt::format("chatgate probe: {}\n", telemetry::escape_text(result.error));
    return 1;
  }
  out << fmt::format("connect  {:8.3f} ms\n", milliseconds(result.connect))
      << fmt::format("greeting {:8.3f} ms  {}\n", milliseconds(result.greeting),
                     telemetry::escape_text(result.greeting_text));
  if (options.send) {
    out << fmt::format("reply    {:8.3f} ms  {}\n", milliseconds(result.reply),
                       telemetry::escape_text(result.reply_text));
  }
  return 0;
}

}  // namespace chatgate::service
