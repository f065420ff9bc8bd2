#include <charconv>
#include <stdexcept>

#include <fmt/format.h>

#include <chatgate/base/units.h>
#include <chatgate/bench/server_watch.h>
#include <chatgate/net/client_socket.h>
#include <chatgate/net/resolve.h>

namespace chatgate::bench {
namespace {

constexpr std::chrono::seconds kPatience{5};

class AdminWatch final : public ServerWatch {
 public:
  explicit AdminWatch(const std::string& address) : address_{address} {
    auto found = net::resolve(address);
    if (!found) throw std::runtime_error{fmt::format("--admin {}: {}", address, found.error())};
    targets_ = std::move(*found);
  }

  ::pid_t pid() const override { return 0; }
  std::string source() const override {
    return fmt::format("http://{}/metrics: CPU in 10 ms ticks, resident memory", address_);
  }
  std::optional<Usage> sample() override;

 private:
  std::string get(std::string_view path) const;

  const std::string address_;
  std::vector<net::RemoteAddress> targets_;
};

// Empty unless the whole answer came.
std::string AdminWatch::get(std::string_view path) const {
  constexpr std::size_t kAnswerBytesMax = 64 << 20;
  net::ClientSocket socket{base::Clock::now() + kPatience};
  const auto request = fmt::format("GET {} HTTP/1.0\r\nHost: {}\r\n\r\n", path, address_);
  if (socket.connect(targets_) || socket.send(request)) return {};
  std::string answer;
  while (answer.size() < kAnswerBytesMax) {
    const auto size = socket.receive(answer);
    if (!size) return {};
    if (*size == 0) return answer;
  }
  return {};
}

std::optional<Usage> AdminWatch::sample() {
  const auto answer = get("/metrics");
  const auto cpu = parse_metric(answer, "process_cpu_seconds_total");
  const auto memory = parse_metric(answer, "process_resident_memory_bytes");
  if (!cpu || !memory) return std::nullopt;
  Usage usage;
  usage.cpu = std::chrono::nanoseconds{static_cast<std::int64_t>(*cpu * 1e9)};
  usage.anonymous_bytes = static_cast<std::uint64_t>(*memory);
  return usage;
}

}  // namespace

std::unique_ptr<ServerWatch> watch_admin(const std::string& address) {
  return std::make_unique<AdminWatch>(address);
}

std::optional<double> parse_metric(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (!line.starts_with(name) || line.substr(name.size(), 1) != " ") continue;
    line.remove_prefix(name.size() + 1);
    double value = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), value);
    if (error != std::errc{}) return std::nullopt;
    return value;
  }
  return std::nullopt;
}

}  // namespace chatgate::bench
