// Opens connections as fast as it can, says something senseless, and is gone. Prints how many went
// which way as one JSON object. What it says and how it leaves depends on the seed alone.

#include "garbage.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <CLI/CLI.hpp>
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace chatgate::hostile {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{20};
constexpr std::size_t kWaitingMax = 256;  // Of those who wait for the gateway's end.
constexpr std::uint64_t kWaitPercent = 5;

struct Asked {
  std::string host;
  std::uint16_t port = 0;
  std::uint64_t count = 0;
  std::uint64_t seed = 1;
  std::uint32_t first = 0;
  std::uint32_t sources = 5000;
  double seconds = 900;
  bool silent = false;
  bool always_reset = false;
};

::sockaddr_in address_of(std::uint32_t host, std::uint16_t port) {
  ::sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(host);
  return address;
}

/// As source() of hostile.py: from 127.1.0.0 on.
::sockaddr_in source(std::uint32_t number) {
  return address_of((127U << 24) | ((number + (1U << 16)) & 0xffffffU), 0);
}

void set(int socket, int level, int name, const auto& value) {
  if (::setsockopt(socket, level, name, &value, sizeof value) != 0) {
    throw std::system_error{errno, std::generic_category(), "setsockopt"};
  }
}

class Opener {
 public:
  explicit Opener(const Asked& asked);

  void run();
  const std::map<std::string, std::uint64_t>& seen() const { return seen_; }

 private:
  /// Returns -1 when it was not connected, and counts why.
  int connect_from(const ::sockaddr_in& origin);
  void leave(int socket);
  /// Ends those whose end has come, or who waited too long. Looks for so many milliseconds.
  void look_after_waiting(int milliseconds);
  /// Returns false at the end of a connection.
  bool drain(int socket);

  const Asked asked_;
  const ::sockaddr_in server_;
  Garbage garbage_;
  std::map<std::string, std::uint64_t> seen_;
  std::vector<::pollfd> waiting_;
  std::vector<Clock::time_point> since_;  // Of each in waiting_.
  std::array<char, 65536> input_;
};

::sockaddr_in server_of(const Asked& asked) {
  ::in_addr host{};
  if (::inet_pton(AF_INET, asked.host.c_str(), &host) != 1) {
    throw std::system_error{EINVAL, std::generic_category(), asked.host};
  }
  return address_of(ntohl(host.s_addr), asked.port);
}

Opener::Opener(const Asked& asked)
    : asked_{asked}, server_{server_of(asked)}, garbage_{asked.seed} {}

void Opener::run() {
  const auto until = Clock::now() + std::chrono::duration<double>{asked_.seconds};
  for (std::uint64_t number = 0; number < asked_.count && Clock::now() < until; ++number) {
    const auto nth = static_cast<std::uint32_t>(number % asked_.sources);
    const int socket = connect_from(source(asked_.first + nth));
    // Drawn for those who are not connected, too: what others say depends on the seed alone.
    const auto data = asked_.silent ? std::string_view{} : garbage_.next();
    // What cannot be sent was refused, or told that this is no place for it.
    if (socket >= 0 && !data.empty()) ::send(socket, data.data(), data.size(), MSG_NOSIGNAL);
    leave(socket);
  }
  while (!waiting_.empty()) look_after_waiting(100);
}

int Opener::connect_from(const ::sockaddr_in& origin) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) throw std::system_error{errno, std::generic_category(), "socket"};
  set(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
  set(socket, SOL_SOCKET, SO_SNDTIMEO, ::timeval{.tv_sec = kPatience.count(), .tv_usec = 0});
  const auto* from = reinterpret_cast<const ::sockaddr*>(&origin);
  const auto* to = reinterpret_cast<const ::sockaddr*>(&server_);
  if (::bind(socket, from, sizeof origin) == 0 && ::connect(socket, to, sizeof server_) == 0) {
    return socket;
  }
  ++seen_[fmt::format("not connected: {}", std::generic_category().message(errno))];
  ::close(socket);
  return -1;
}

void Opener::leave(int socket) {
  // Most leave without waiting: who waits is no flood.
  const bool waits = garbage_.below(100) < kWaitPercent && !asked_.always_reset;
  const bool resets = garbage_.below(2) == 0 || asked_.always_reset;
  if (socket < 0) return;
  if (waits) {
    ::shutdown(socket, SHUT_WR);
    waiting_.push_back({.fd = socket, .events = POLLIN, .revents = 0});
    since_.push_back(Clock::now());
    if (waiting_.size() % 32 == 0) look_after_waiting(0);
    while (waiting_.size() >= kWaitingMax) look_after_waiting(100);
    return;
  }
  if (resets) set(socket, SOL_SOCKET, SO_LINGER, ::linger{.l_onoff = 1, .l_linger = 0});
  ::close(socket);
  ++seen_[resets ? "reset" : "close"];
}

void Opener::look_after_waiting(int milliseconds) {
  ::poll(waiting_.data(), waiting_.size(), milliseconds);
  const auto now = Clock::now();
  for (std::size_t i = waiting_.size(); i-- > 0;) {
    const bool ended = waiting_[i].revents != 0 && !drain(waiting_[i].fd);
    if (!ended && now - since_[i] < kPatience) continue;
    ++seen_[ended ? "wait" : "never ended"];
    ::close(waiting_[i].fd);
    waiting_[i] = waiting_.back();
    waiting_.pop_back();
    since_[i] = since_.back();
    since_.pop_back();
  }
}

bool Opener::drain(int socket) {
  while (true) {
    const auto size = ::recv(socket, input_.data(), input_.size(), MSG_DONTWAIT);
    if (size < 0) return errno == EAGAIN;
    if (size == 0) return false;
  }
}

std::string as_json(const std::map<std::string, std::uint64_t>& seen) {
  std::vector<std::string> fields;
  for (const auto& [what, count] : seen) fields.push_back(fmt::format("\"{}\": {}", what, count));
  return fmt::format("{{{}}}", fmt::join(fields, ", "));
}

}  // namespace
}  // namespace chatgate::hostile

int main(int argc, char** argv) {
  using namespace chatgate::hostile;
  Asked asked;
  CLI::App app{"Opens connections, says something senseless, and is gone."};
  app.add_option("host", asked.host, "IPv4 address")->required();
  app.add_option("port", asked.port)->required();
  app.add_option("--count", asked.count, "connections")->required();
  app.add_option("--seed", asked.seed);
  app.add_option("--first", asked.first, "number of the first source");
  app.add_option("--sources", asked.sources)->check(CLI::PositiveNumber);
  app.add_option("--seconds", asked.seconds, "ends it sooner");
  app.add_flag("--silent", asked.silent, "say nothing");
  app.add_flag("--always-reset", asked.always_reset, "leave by a reset, each");
  CLI11_PARSE(app, argc, argv);
  try {
    Opener opener{asked};
    opener.run();
    fmt::print("{}\n", as_json(opener.seen()));
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}: {}\n", argv[0], error.what());
    return 71;
  }
}
