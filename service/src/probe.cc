#include "chatgate/service/probe.h"

#include <ostream>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include <chatgate/base/expected.h>
#include <chatgate/base/units.h>
#include <chatgate/net/client_socket.h>
#include <chatgate/net/resolve.h>
#include <chatgate/net/tls_context.h>
#include <chatgate/telemetry/printable_text.h>

namespace chatgate::service {
namespace {

using base::Clock;
using base::Expected;
using base::Unexpected;

constexpr std::size_t kLineBytesMax = 64 << 10;
constexpr std::string_view kRefusal = "421 ";

/// A client that reads whole lines.
class Conversation : public net::ClientSocket {
 public:
  using ClientSocket::ClientSocket;

  Expected<std::string, std::string> read_line();

 private:
  std::string input_;  // Received and not yet handed out.
};

Expected<std::string, std::string> Conversation::read_line() {
  while (true) {
    if (const auto end = input_.find('\n'); end != std::string::npos) {
      auto line = input_.substr(0, end);
      input_.erase(0, end + 1);
      if (line.ends_with('\r')) line.pop_back();
      return line;
    }
    if (input_.size() > kLineBytesMax) return Unexpected{std::string{"a line without end"}};
    const auto size = receive(input_);
    if (!size) return Unexpected{size.error()};
    if (*size == 0) return Unexpected{std::string{"the server closed the connection"}};
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

std::optional<std::string> start_tls(const ProbeOptions& options, Conversation& conversation) {
  const auto context = net::TlsContext::for_client(options.ca);
  if (!context) return fmt::format("--ca {}", context.error());
  const auto error = conversation.start_tls(*context, net::host_of(options.address));
  if (!error) return std::nullopt;
  return fmt::format("no TLS with {}: {}", options.address, *error);
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
  if (options.tls) {
    if (auto error = start_tls(options, conversation)) return error;
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
    err << fmt::format("chatgate probe: {}\n", telemetry::printable_text(result.error));
    return 1;
  }
  out << fmt::format("connect  {:8.3f} ms\n", milliseconds(result.connect))
      << fmt::format("greeting {:8.3f} ms  {}\n", milliseconds(result.greeting),
                     telemetry::printable_text(result.greeting_text));
  if (options.send) {
    out << fmt::format("reply    {:8.3f} ms  {}\n", milliseconds(result.reply),
                       telemetry::printable_text(result.reply_text));
  }
  return 0;
}

}  // namespace chatgate::service
