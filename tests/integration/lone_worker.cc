#include "lone_worker.h"

#include <stdexcept>
#include <utility>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <chatgate/session/worker.h>
#include <chatgate/support/temp_dir.h>

namespace chatgate::integration {
namespace {

constexpr base::ListenerId kListener{1};

std::shared_ptr<const session::ListenerProfile> profile() {
  const auto compile = [](std::string_view text) { return *protocol::Template::parse(text); };
  session::ListenerProfile profile{.id = kListener,
                                   .name = "public",
                                   .greeting = compile("hello\n"),
                                   .reply = compile("<{message}>\n"),
                                   .farewell = compile("")};
  return std::make_shared<const session::ListenerProfile>(std::move(profile));
}

}  // namespace

struct LoneWorker::Parts {
  const support::TempDir dir;
  telemetry::Log log;
  const std::optional<std::string> applied = log.apply({.output = "file:" + dir.file("log")});
  session::SessionMetrics metrics{1};
  session::ClosedSessions closed;
  std::uint64_t next_id = 1;
  std::unique_ptr<session::Worker> worker;

  void hand_over(net::UniqueFd socket) {
    std::vector<session::Arrival> arrivals;
    arrivals.push_back({.socket = std::move(socket),
                        .peer = {},
                        .id = {next_id++},
                        .listener = kListener,
                        .ticket = {},
                        .accepted_at = base::Clock::now()});
    worker->hand_over(arrivals);
  }
};

LoneWorker::LoneWorker() : parts_{std::make_unique<Parts>()} {
  parts_->worker = std::make_unique<session::Worker>(
      0U, session::WorkerContext{.log = parts_->log,
                                 .metrics = parts_->metrics,
                                 .closed = parts_->closed,
                                 .open_connections = [] { return 1U; },
                                 .on_session_ended = [] {}});
  parts_->worker->set_profile(profile());
}

LoneWorker::~LoneWorker() = default;

void LoneWorker::hand_over_what_cannot_be_watched() {
  parts_->hand_over(net::UniqueFd{::open("/dev/null", O_RDWR | O_CLOEXEC)});
}

support::TestClient LoneWorker::hand_over_connection() {
  const support::TempDir dir;
  const auto path = dir.file("socket");
  const net::UniqueFd listening{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  ::sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const auto* generic = reinterpret_cast<const ::sockaddr*>(&address);
  if (::bind(listening.get(), generic, sizeof address) != 0 || ::listen(listening.get(), 1) != 0) {
    throw std::runtime_error{"cannot listen at " + path};
  }
  auto client = support::TestClient::to_unix(path);
  parts_->hand_over(
      net::UniqueFd{::accept4(listening.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)});
  return client;
}

void LoneWorker::destroy() { parts_->worker.reset(); }

std::vector<std::string> LoneWorker::closed_reasons() const {
  std::vector<std::string> reasons;
  for (const auto& closed : parts_->closed.list()) reasons.emplace_back(token(closed.reason));
  return reasons;
}

std::string LoneWorker::metrics() const {
  telemetry::MetricWriter writer;
  parts_->metrics.write_metrics(writer);
  return writer.serialize();
}

std::size_t LoneWorker::load() const { return parts_->worker->load(); }

}  // namespace chatgate::integration
