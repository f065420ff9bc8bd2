#include <algorithm>
#include <cerrno>
#include <utility>

#include <chatgate/base/rest.h>
#include <chatgate/net/ready_set.h>

namespace chatgate::net {
namespace {

UniqueFd make_epoll_set() {
  UniqueFd set{::epoll_create1(EPOLL_CLOEXEC)};
  if (!set) throw std::system_error{errno, std::generic_category(), "epoll_create1"};
  return set;
}

}  // namespace

ReadySet::ReadySet() : set_{make_epoll_set()} {}

std::error_code ReadySet::add(int fd, std::uint32_t events, Handler& handler) noexcept {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &handler;
  if (::epoll_ctl(set_.get(), EPOLL_CTL_ADD, fd, &event) == 0) return {};
  return {errno, std::generic_category()};
}

void ReadySet::modify(int fd, std::uint32_t events, Handler& handler) noexcept {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &handler;
  const int result = ::epoll_ctl(set_.get(), EPOLL_CTL_MOD, fd, &event);
  CHATGATE_ASSERT(result == 0);
}

void ReadySet::withdraw(int fd) noexcept { ::epoll_ctl(set_.get(), EPOLL_CTL_DEL, fd, nullptr); }

void ReadySet::remove(Handler& handler) noexcept {
  for (std::size_t i = served_; i < ready_; ++i) {
    if (events_[i].data.ptr == &handler) events_[i].data.ptr = nullptr;
  }
  std::erase(again_, &handler);
  std::replace(turn_.begin(), turn_.end(), &handler, static_cast<Handler*>(nullptr));
}

void ReadySet::again(Handler& handler) { again_.push_back(&handler); }

void ReadySet::serve_turn(bool waits, const std::function<void()>& before_batch) {
  rest_when_busy();
  const int timeout = waits && again_.empty() ? -1 : 0;
  const int count = ::epoll_wait(set_.get(), events_.data(), static_cast<int>(kBatchMax), timeout);
  before_batch();
  ready_ = count > 0 ? static_cast<std::size_t>(count) : 0;
  serve_batch();
  if (!again_.empty()) serve_again();
}

// A turn that comes so soon after the last one would find one or two sockets ready; a moment later
// they are many, for the same price of waking up.
void ReadySet::rest_when_busy() {
  if (rest_.count() == 0) return;
  const auto now = base::Clock::now();
  if (now - turn_at_ < kBusyWithin) base::rest(rest_);
  turn_at_ = now;
}

void ReadySet::serve_batch() {
  for (served_ = 0; served_ < ready_;) {
    const auto& event = events_[served_++];
    if (event.data.ptr != nullptr) static_cast<Handler*>(event.data.ptr)->on_ready(event.events);
  }
  served_ = ready_ = 0;
}

void ReadySet::serve_again() {
  turn_.swap(again_);
  // By index: a handler may remove another one, which clears its place.
  for (std::size_t i = 0; i < turn_.size(); ++i) {
    if (auto* handler = std::exchange(turn_[i], nullptr)) handler->on_ready(0);
  }
  turn_.clear();
}

}  // namespace chatgate::net
