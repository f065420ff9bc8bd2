// A closed-loop load of line conversations on one thread: a client sends its next line when a reply
// has come, so that the server is never asked for more than it gives. For 127.0.0.0/8 alone.

#include "latency_histogram.h"
#include "load_options.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <deque>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace chatgate::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Connection {
  int socket = -1;
  bool greeted = false;
  Clock::time_point connected_at{};
  std::deque<Clock::time_point> sent_at{};  // Of the lines that have no reply yet.
};

/// All connections of one run.
class Load {
 public:
  explicit Load(const LoadOptions& options)
      : options_{options}, line_(options.size, 'x'), connections_(options.connections) {
    line_ += '\n';
  }

  /// Returns the exit code: 0 when every reply came in time.
  int run();

 private:
  void open(Connection& connection);
  void close(Connection& connection);
  void turn();
  void receive(Connection& connection);
  void on_greeting(Connection& connection);
  void on_reply(Connection& connection, Clock::time_point now);
  void say(Connection& connection, std::size_t lines);
  void lose(Connection& connection);
  bool is_done() const;
  void report(Clock::duration elapsed) const;

  const LoadOptions options_;
  std::string line_;
  std::vector<Connection> connections_;
  const int set_ = ::epoll_create1(EPOLL_CLOEXEC);
  LatencyHistogram latency_;
  std::size_t opened_ = 0;
  std::size_t greeted_ = 0;
  std::size_t said_ = 0;
  std::size_t replied_ = 0;
  std::size_t errors_ = 0;
};

void check(int result, const char* what) {
  if (result < 0) throw std::system_error{errno, std::generic_category(), what};
}

// connect(2) blocks, which takes no time on the loopback while the server's backlog has room.
void Load::open(Connection& connection) {
  connection = {};
  connection.connected_at = Clock::now();
  connection.socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  check(connection.socket, "socket");
  const int on = 1;
  const auto set = [&](int level, int name) {
    check(::setsockopt(connection.socket, level, name, &on, sizeof on), "setsockopt");
  };
  set(IPPROTO_TCP, TCP_NODELAY);
  set(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
  ::sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr =
      htonl(INADDR_LOOPBACK + static_cast<std::uint32_t>(opened_++ % options_.sources));
  const auto* generic = reinterpret_cast<const ::sockaddr*>(&address);
  check(::bind(connection.socket, generic, sizeof address), "bind");
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(options_.port);
  check(::connect(connection.socket, generic, sizeof address), "connect");
  ::epoll_event event{.events = EPOLLIN, .data = {.ptr = &connection}};
  check(::epoll_ctl(set_, EPOLL_CTL_ADD, connection.socket, &event), "epoll_ctl");
}

void Load::close(Connection& connection) {
  if (connection.socket >= 0) ::close(connection.socket);
  connection.socket = -1;
}

// A lost connection is an error for each line that it owed, and one for itself.
void Load::lose(Connection& connection) {
  errors_ += 1 + connection.sent_at.size();
  close(connection);
}

bool Load::is_done() const {
  const bool all_lost = std::all_of(connections_.begin(), connections_.end(),
                                    [](const Connection& each) { return each.socket < 0; });
  if (options_.mode == Mode::Idle) return all_lost || greeted_ + errors_ >= connections_.size();
  return all_lost || replied_ + errors_ >= options_.messages;
}

void Load::turn() {
  std::array<::epoll_event, 256> events;
  const int count = ::epoll_wait(set_, events.data(), static_cast<int>(events.size()), 100);
  for (int i = 0; i < count; ++i) {
    receive(*static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr));
  }
}

void Load::receive(Connection& connection) {
  std::array<char, 65536> input;
  const auto size = ::recv(connection.socket, input.data(), input.size(), MSG_DONTWAIT);
  if (size < 0 && errno == EAGAIN) return;
  if (size <= 0) return lose(connection);
  const std::string_view text{input.data(), static_cast<std::size_t>(size)};
  auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  if (lines > 0 && !connection.greeted) {
    --lines;
    on_greeting(connection);
  }
  const auto now = Clock::now();
  const auto replies = std::min(lines, connection.sent_at.size());
  for (std::size_t i = 0; i < replies; ++i) on_reply(connection, now);
  if (options_.mode == Mode::Messages) say(connection, replies);
  if (options_.mode == Mode::Connection && replies > 0) {
    close(connection);
    if (said_ < options_.messages) open(connection);
  }
}

void Load::on_greeting(Connection& connection) {
  connection.greeted = true;
  ++greeted_;
  if (options_.mode == Mode::Idle) {
    latency_.record(Clock::now() - connection.connected_at);
  } else {
    say(connection, options_.mode == Mode::Messages ? options_.window : 1);
  }
}

void Load::on_reply(Connection& connection, Clock::time_point now) {
  ++replied_;
  const bool whole = options_.mode == Mode::Connection;
  latency_.record(now - (whole ? connection.connected_at : connection.sent_at.front()));
  connection.sent_at.pop_front();
}

void Load::say(Connection& connection, std::size_t lines) {
  std::string output;
  const auto now = Clock::now();
  for (; lines > 0 && said_ < options_.messages; --lines, ++said_) {
    output += line_;
    connection.sent_at.push_back(now);
  }
  if (output.empty()) return;
  const auto sent =
      ::send(connection.socket, output.data(), output.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent != static_cast<ssize_t>(output.size())) lose(connection);
}

void Load::report(Clock::duration elapsed) const {
  constexpr std::array<const char*, 3> kNames{"messages", "connection", "idle"};
  const auto microseconds = [this](double share) {
    return static_cast<double>(latency_.quantile(share).count()) / 1e3;
  };
  fmt::print(
      "{{\"mode\": \"{}\", \"operations\": {}, \"greeted\": {}, \"errors\": {}, "
      "\"seconds\": {:.6f}, \"p50_us\": {:.1f}, \"p99_us\": {:.1f}, \"p999_us\": {:.1f}}}\n",
      kNames[static_cast<std::size_t>(options_.mode)],
      options_.mode == Mode::Idle ? greeted_ : replied_, greeted_, errors_,
      std::chrono::duration<double>{elapsed}.count(), microseconds(0.5), microseconds(0.99),
      microseconds(0.999));
  std::fflush(stdout);
}

int Load::run() {
  const auto started = Clock::now();
  for (auto& connection : connections_) open(connection);
  while (!is_done() && Clock::now() - started < options_.seconds) turn();
  const bool complete = is_done() && errors_ == 0;
  report(Clock::now() - started);
  if (options_.mode == Mode::Idle) {
    std::array<char, 256> ignored;
    while (::read(STDIN_FILENO, ignored.data(), ignored.size()) > 0) continue;
  }
  for (auto& connection : connections_) close(connection);
  return complete ? 0 : 1;
}

void raise_descriptor_limit() {
  ::rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace
}  // namespace chatgate::bench

int main(int argc, char** argv) {
  using namespace chatgate::bench;
  try {
    const auto options = parse_load_options(argc, argv);
    raise_descriptor_limit();
    return Load{options}.run();
  } catch (const std::invalid_argument& error) {
    fmt::print(stderr, "load: {}\n{}", error.what(), kLoadUsage);
    return 2;
  } catch (const std::system_error& error) {
    fmt::print(stderr, "load: {}\n", error.what());
    return 71;
  }
}
