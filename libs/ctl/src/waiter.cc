#include "waiter.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace chatgate::ctl {

Waiter::Waiter(bool with_keys) : with_keys_{with_keys} {
  ::sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGWINCH}) ::sigaddset(&signals, signal);
  ::pthread_sigmask(SIG_BLOCK, &signals, &before_);
  signals_.reset(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_) throw std::system_error{errno, std::generic_category(), "signalfd"};
}

Waiter::~Waiter() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

Waiter::Event Waiter::wait_until(base::Clock::time_point moment) {
  while (true) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(moment - base::Clock::now()).count();
    if (left <= 0) return {Wake::Time};
    std::array<::pollfd, 2> entries{
        {{signals_.get(), POLLIN, 0}, {with_keys_ ? STDIN_FILENO : -1, POLLIN, 0}}};
    const auto patience = static_cast<int>(std::min<std::int64_t>(left, 60'000));
    if (::poll(entries.data(), entries.size(), patience) <= 0) continue;
    ::signalfd_siginfo signal{};
    if (::read(signals_.get(), &signal, sizeof signal) == sizeof signal) {
      return {signal.ssi_signo == SIGWINCH ? Wake::Resized : Wake::Stop};
    }
    if (entries[1].revents == 0) continue;
    char key = 0;
    if (::read(STDIN_FILENO, &key, 1) == 1) return {Wake::Key, key};
    return {Wake::Stop};
  }
}

}  // namespace chatgate::ctl
