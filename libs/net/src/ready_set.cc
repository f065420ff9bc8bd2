#include <algorithm>
#include <cerrno>
#include <thread>
#include <utility>

#include <asio/post.hpp>

#include <chatgate/net/ready_set.h>

namespace chatgate::net {
namespace {

int make_epoll_set() {
  const int fd = ::epoll_create1(EPOLL_CLOEXEC);
  if (fd < 0) throw std::system_error{errno, std::generic_category(), "epoll_create1"};
  return fd;
}

}  // namespace

ReadySet::ReadySet(asio::io_context& io) : io_{io}, set_{io, make_epoll_set()} {}

void ReadySet::start(std::function<void()> before_batch) {
  before_batch_ = std::move(before_batch);
  await();
}

std::error_code ReadySet::add(int fd, std::uint32_t events, Handler& handler) noexcept {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &handler;
  if (::epoll_ctl(set_.native_handle(), EPOLL_CTL_ADD, fd, &event) == 0) return {};
  return {errno, std::generic_category()};
}

void ReadySet::modify(int fd, std::uint32_t events, Handler& handler) noexcept {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &handler;
  const int result = ::epoll_ctl(set_.native_handle(), EPOLL_CTL_MOD, fd, &event);
  CHATGATE_ASSERT(result == 0);
}

void ReadySet::withdraw(int fd) noexcept {
  ::epoll_ctl(set_.native_handle(), EPOLL_CTL_DEL, fd, nullptr);
}

void ReadySet::remove(Handler& handler) noexcept {
  for (std::size_t i = served_; i < ready_; ++i) {
    if (events_[i].data.ptr == &handler) events_[i].data.ptr = nullptr;
  }
  std::erase(again_, &handler);
  std::replace(turn_.begin(), turn_.end(), &handler, static_cast<Handler*>(nullptr));
}

void ReadySet::again(Handler& handler) {
  if (again_.empty()) asio::post(io_, [this] { serve_again(); });
  again_.push_back(&handler);
}

void ReadySet::await() {
  set_.async_wait(asio::posix::descriptor_base::wait_read, [this](asio::error_code error) {
    if (error) return;  // The loop ends.
    rest_when_busy();
    for (int i = 0; i < kBatchesPerTurnMax && serve_batch(); ++i) continue;
    await();
  });
}

// A turn that comes so soon after the last one would find one or two sockets ready; a moment later
// they are many, for the same price of waking up.
void ReadySet::rest_when_busy() {
  if (rest_.count() == 0) return;
  const auto now = base::Clock::now();
  if (now - turn_at_ < kBusyWithin) std::this_thread::sleep_for(rest_);
  turn_at_ = now;
}

// Returns whether there was anything to serve.
bool ReadySet::serve_batch() {
  const int count =
      ::epoll_wait(set_.native_handle(), events_.data(), static_cast<int>(kBatchMax), 0);
  if (count <= 0) return false;
  before_batch_();
  ready_ = static_cast<std::size_t>(count);
  for (served_ = 0; served_ < ready_;) {
    const auto& event = events_[served_++];
    if (event.data.ptr != nullptr) static_cast<Handler*>(event.data.ptr)->on_ready(event.events);
  }
  served_ = ready_ = 0;
  return true;
}

void ReadySet::serve_again() {
  before_batch_();
  turn_.swap(again_);
  // By index: a handler may remove another one, which clears its place.
  for (std::size_t i = 0; i < turn_.size(); ++i) {
    if (auto* handler = std::exchange(turn_[i], nullptr)) handler->on_ready(0);
  }
  turn_.clear();
}

}  // namespace chatgate::net
