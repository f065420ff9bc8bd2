#include "session_rig.h"

#include "virtual_clock.h"

#include <cerrno>
#include <stdexcept>
#include <utility>
#include <vector>

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <chatgate/base/assert.h>

namespace chatgate::fuzz {
namespace {

using session::Worker;

// The least that the kernel grants.
constexpr int kNarrow = 4608;

// Turns without progress after which there is none to come: one that read may have asked for the
// next one.
constexpr int kQuietTurns = 2;

// So many ticks a goodbye takes at most: 10 s to flush, 2 s to linger.
constexpr std::size_t kGoodbyeTicks = 130;

int amount(int socket, unsigned long what) {
  int bytes = 0;
  CHATGATE_ASSERT(::ioctl(socket, what, &bytes) == 0);
  return bytes;
}

}  // namespace

SessionRig& SessionRig::instance() {
  static auto& rig = *new SessionRig;  // Never destroyed: its thread lives as long.
  return rig;
}

SessionRig::SessionRig() {
  worker_ =
      std::make_unique<Worker>(0U, session::WorkerContext{.log = log_,
                                                          .metrics = metrics_,
                                                          .closed = closed_,
                                                          .open_connections = [] { return 1U; },
                                                          .on_session_ended = [] {}});
}

void SessionRig::run(std::function<bool()> step) {
  step_ = std::move(step);
  done_ = {};
  worker_->loop().post([this] { take_turn(); });
  done_.get_future().get();
}

// Posted anew after each step, so that what the step posted to the worker comes first.
void SessionRig::take_turn() {
  auto& loop = worker_->loop();
  // The loop notes the time before it looks at its sockets, not before each piece of posted work.
  const bool is_late = loop.batch_time() != base::Clock::now();
  if (!is_late) settle();
  if (is_late || step_()) return loop.post([this] { take_turn(); });
  done_.set_value();
}

void SessionRig::connect(Profile profile, bool is_narrow) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw std::runtime_error{"no socket pair"};
  }
  client_.reset(ends[0]);
  net::UniqueFd socket{ends[1]};
  if (is_narrow) ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDBUF, &kNarrow, sizeof kNarrow);
  received_.clear();
  sent_ = 0;
  is_reading_ = true;
  is_at_end_ = false;
  before_ = counts();
  worker_->set_profile(std::move(profile));
  std::vector<session::Arrival> arrivals;
  arrivals.push_back({.socket = std::move(socket),
                      .peer = {},
                      .id = kSession,
                      .listener = kListener,
                      .ticket = {},
                      .accepted_at = base::Clock::now()});
  worker_->hand_over(arrivals);
}

std::size_t SessionRig::send(std::string_view bytes) {
  const auto count = ::send(client_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  const auto taken = count > 0 ? static_cast<std::size_t>(count) : 0;
  sent_ += taken;
  settle();
  return taken;
}

void SessionRig::end_input() {
  ::shutdown(client_.get(), SHUT_WR);
  settle();
}

// Over a Unix socket what was not read makes a reset of a close.
void SessionRig::reset() {
  client_.reset();
  settle();
}

void SessionRig::set_reading(bool is_reading) {
  is_reading_ = is_reading;
  settle();
}

void SessionRig::pass_ticks(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) pass_tick();
  settle();
}

void SessionRig::pass_tick() {
  pass_time(net::TimerWheel::kTick);
  worker_->loop().timers().advance(base::Clock::now());
}

void SessionRig::reload(Profile profile) { worker_->set_profile(std::move(profile)); }

void SessionRig::announce(std::string line) { worker_->announce(std::move(line), {kListener}); }

void SessionRig::drain() { worker_->close_spread({}, {kListener}); }

void SessionRig::close(bool abort) {
  worker_->close_session(kSession, abort, [](bool) {});
}

void SessionRig::abort_all() { worker_->abort_all({kListener}); }

std::size_t SessionRig::unread() const {
  return client_ ? static_cast<std::size_t>(amount(client_.get(), FIONREAD)) : 0;
}

void SessionRig::settle() {
  for (int quiet = 0; quiet < kQuietTurns;) quiet = serve_turn() ? 0 : quiet + 1;
}

// Whether anything moved: from the client, to it, or the session out of the world.
bool SessionRig::serve_turn() {
  const auto seen = [&] {
    return std::array{client_ ? amount(client_.get(), SIOCOUTQ) : 0,
                      client_ ? amount(client_.get(), FIONREAD) : 0,
                      static_cast<int>(worker_->load())};
  };
  const auto before = seen();
  worker_->loop().ready_set().serve_turn(false, [] {});
  const bool has_moved = seen() != before;
  return read() || has_moved;
}

// Whether the client read something, or the end.
bool SessionRig::read() {
  if (!client_ || !is_reading_ || is_at_end_) return false;
  bool has_read = false;
  for (std::array<char, 16 * 1024> buffer;;) {
    const auto count = ::recv(client_.get(), buffer.data(), buffer.size(), 0);
    if (count < 0 && errno == EAGAIN) return has_read;
    has_read = true;
    if (count <= 0) {
      is_at_end_ = true;
      return true;
    }
    received_.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

SessionRig::Counts SessionRig::finish() {
  set_reading(true);
  client_.reset();
  settle();
  for (std::size_t i = 0; i < kGoodbyeTicks && worker_->load() > 0; ++i) pass_ticks(1);
  CHATGATE_ASSERT(worker_->load() == 0);
  // The next session must find nothing of this one.
  CHATGATE_ASSERT(worker_->batch().text.empty() && worker_->batch().replies.empty());
  CHATGATE_ASSERT(worker_->queued_bytes().value() == 0);
  auto result = counts();
  for (std::size_t i = 0; i < result.closed.size(); ++i) result.closed[i] -= before_.closed[i];
  result.messages -= before_.messages;
  result.replies -= before_.replies;
  result.received_bytes -= before_.received_bytes;
  result.sent_bytes -= before_.sent_bytes;
  return result;
}

SessionRig::Counts SessionRig::counts() {
  auto& counters = metrics_.listener("public").of_worker(0);
  Counts counts;
  for (std::size_t i = 0; i < counts.closed.size(); ++i) {
    counts.closed[i] = counters.closed[i].value();
  }
  counts.messages = counters.messages.value();
  counts.replies = counters.replies.value();
  counts.received_bytes = counters.received_bytes.value();
  counts.sent_bytes = counters.sent_bytes.value();
  return counts;
}

}  // namespace chatgate::fuzz
