#include "header_waits.h"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <chatgate/base/assert.h>

namespace chatgate::service {
namespace {

using protocol::ProxyParse;
using session::EndReason;
using State = ProxyParse::State;

constexpr std::uint32_t kEnded = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
constexpr std::size_t kShownBytesMax = 16;

std::string describe(const protocol::ProxyMistake& mistake, std::string_view seen) {
  const auto found = seen.substr(std::min(mistake.offset, seen.size()), kShownBytesMax);
  return fmt::format("expected {} at byte {}, found \"{}\"", mistake.expected, mistake.offset,
                     found);
}

}  // namespace

/// One connection that waits.
class HeaderWaits::Wait final : private net::ReadySet::Handler, private net::Timer {
 public:
  Wait(HeaderWaits& owner, Newcomer newcomer) : owner_{owner}, newcomer_{std::move(newcomer)} {}
  ~Wait() { owner_.loop_.ready_set().remove(*this); }

  std::error_code start(Clock::time_point deadline) {
    owner_.loop_.timers().arm(*this, deadline);
    return owner_.loop_.ready_set().add(socket(), EPOLLIN | EPOLLRDHUP | EPOLLET, *this);
  }

  int socket() const noexcept { return newcomer_.socket.get(); }
  Newcomer take() {
    owner_.loop_.ready_set().withdraw(socket());
    return std::move(newcomer_);
  }

  std::list<Wait>::iterator place;
  std::size_t seen = 0;  // Bytes of the header that have come.

 private:
  void on_ready(std::uint32_t events) override { owner_.look_again(*this, (events & kEnded) != 0); }
  void on_deadline() override { owner_.give_up(*this, "no whole header in time"); }

  HeaderWaits& owner_;
  Newcomer newcomer_;
};

HeaderWaits::HeaderWaits(net::EventLoop& loop, PlaceBudget& places, Handler& handler)
    : loop_{loop}, places_{places}, handler_{handler} {}

HeaderWaits::~HeaderWaits() { CHATGATE_ASSERT(waits_.empty()); }

void HeaderWaits::await(Newcomer newcomer, Clock::time_point deadline) {
  const auto first = look(newcomer.socket.get(), false);
  if (tell(newcomer, first)) return;
  if (!places_.take()) make_room();
  auto& wait = waits_.emplace_back(*this, std::move(newcomer));
  wait.place = std::prev(waits_.end());
  wait.seen = first.seen;
  if (const auto error = wait.start(deadline)) {
    handler_.on_no_header(take(wait), EndReason::ProxyTimeout, error.message());
  }
}

// Who waits longest leaves its place. Others' listeners may have taken all of them: then there is
// one more than there should be, for each listener at most.
void HeaderWaits::make_room() {
  if (!waits_.empty()) give_up(waits_.front(), "too many wait for their headers");
  places_.force_take();
}

// Looks at what has come, and takes a whole header out of the socket.
HeaderWaits::Look HeaderWaits::look(int socket, bool has_ended) const {
  const auto space = loop_.scratch().first(protocol::kProxyHeaderBytesMax);
  const auto count = ::recv(socket, space.data(), space.size(), MSG_PEEK | MSG_DONTWAIT);
  if (count < 0 && (errno == EAGAIN || errno == EINTR) && !has_ended) return {};
  Look result{.seen = count > 0 ? static_cast<std::size_t>(count) : 0};
  const std::string_view seen{space.data(), result.seen};
  result.parse = protocol::parse_proxy_header(seen);
  if (result.parse.state == State::Invalid) {
    result.error = describe(result.parse.mistake, seen);
  } else if (result.parse.state == State::NeedMore && (has_ended || count <= 0)) {
    result.parse.state = State::Invalid;
    result.error = fmt::format("the connection ended after {} bytes of a header", result.seen);
  } else if (result.parse.state == State::Complete) {
    [[maybe_unused]] const auto taken =
        ::recv(socket, space.data(), result.parse.header.size, MSG_DONTWAIT);
  }
  return result;
}

// Hands the newcomer on if its header has been decided on.
bool HeaderWaits::tell(Newcomer& newcomer, const Look& look) {
  if (look.parse.state == State::NeedMore) return false;
  if (look.parse.state == State::Complete) {
    handler_.on_header(std::move(newcomer), look.parse.header);
  } else {
    handler_.on_no_header(std::move(newcomer), EndReason::ProxyInvalid, look.error);
  }
  return true;
}

void HeaderWaits::look_again(Wait& wait, bool has_ended) {
  const auto seen = look(wait.socket(), has_ended);
  wait.seen = seen.seen;
  if (seen.parse.state == State::NeedMore) return;
  auto newcomer = take(wait);
  tell(newcomer, seen);
  handler_.on_turn_ended();
}

void HeaderWaits::give_up(Wait& wait, const char* error) {
  handler_.on_no_header(take(wait), EndReason::ProxyTimeout, error);
}

Newcomer HeaderWaits::take(Wait& wait) {
  auto newcomer = wait.take();
  waits_.erase(wait.place);
  places_.give_back();
  return newcomer;
}

void HeaderWaits::finish(std::chrono::milliseconds time) {
  const auto deadline = Clock::now() + time;
  for (auto left = time; left.count() >= 0;
       left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now())) {
    // One that has begun its header is not waited for: poll(2) would tell of it again and again.
    std::vector<::pollfd> polled;
    std::vector<Wait*> asked;
    for (auto& wait : waits_) {
      if (wait.seen != 0) continue;
      polled.push_back({.fd = wait.socket(), .events = POLLIN | POLLRDHUP, .revents = 0});
      asked.push_back(&wait);
    }
    if (asked.empty()) break;
    if (::poll(polled.data(), polled.size(), static_cast<int>(left.count())) <= 0) break;
    for (std::size_t i = 0; i < asked.size(); ++i) {
      if (polled[i].revents == 0) continue;
      look_again(*asked[i], (polled[i].revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0);
    }
  }
  while (!waits_.empty()) give_up(waits_.front(), "the listener closed");
}

}  // namespace chatgate::service
