#include "door.h"

#include <utility>

#include <fmt/format.h>
#include <sys/socket.h>

#include <chatgate/service/acceptor_thread.h>

namespace chatgate::service {
namespace {

// What a client waits longer at most when many come at once. An acceptor that woke up for each
// would cost them more, and takes the worker's processor where there are few.
constexpr std::chrono::milliseconds kRestWhenBusy{1};

}  // namespace

AcceptorThread::AcceptorThread(std::uint32_t index, AcceptorContext context)
    : context_{context}, loop_{fmt::format("acceptor-{}", index), [this](auto) {
                                 for (auto& door : doors_)
                                   door->count_waiting(net::TimerWheel::kTick);
                               }} {
  loop_.run([this] {
    loop_.ready_set().set_rest_when_busy(kRestWhenBusy);
    dismissals_ = std::make_unique<Dismissals>(loop_, context_.dismissals);
  });
}

AcceptorThread::~AcceptorThread() {
  loop_.run([this] {
    doors_.clear();
    dismissals_.reset();
  });
}

void AcceptorThread::open(AcceptedListener listener, net::ListeningSocket socket) {
  loop_.run([&] {
    auto door = std::make_unique<Door>(context_, loop_, *dismissals_, std::move(listener),
                                       std::move(socket), spare_);
    door->open();
    doors_.push_back(std::move(door));
  });
}

void AcceptorThread::set_backlog(base::ListenerId id, std::uint32_t backlog) {
  loop_.run([&] {
    for (auto& door : doors_) {
      if (door->id() == id) ::listen(door->socket().fd(), static_cast<int>(backlog));
    }
  });
}

void AcceptorThread::finish_queue(base::ListenerId id) {
  loop_.run([&] {
    for (auto& door : doors_) {
      if (door->id() == id) door->finish_queue();
    }
  });
}

void AcceptorThread::close(base::ListenerId id) {
  loop_.run([&] {
    std::erase_if(doors_, [&](auto& door) {
      if (door->id() != id) return false;
      door->finish_queue();
      return true;
    });
  });
}

void AcceptorThread::wake_waiting() {
  loop_.post([this] {
    for (auto& door : doors_) door->look_again();
  });
}

}  // namespace chatgate::service
