#pragma once

#include <chrono>
#include <cstdint>

#include <signal.h>

#include <chatgate/base/units.h>
#include <chatgate/net/unique_fd.h>

namespace chatgate::ctl {

/// Waits for the next moment, a key or a signal. While it lives, SIGINT, SIGTERM, SIGHUP and
/// SIGWINCH do not end the process but arrive here; the destructor gives them back.
///
/// Threads: one, of a process that has no other.
class Waiter {
 public:
  enum class Wake : std::uint8_t { Time, Key, Resized, Stop };

  struct Event {
    Wake wake = Wake::Time;
    char key = 0;
  };

  /// Keys are read from standard input if `with_keys`. Throws std::system_error.
  explicit Waiter(bool with_keys);
  ~Waiter();
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  /// The end of the input is a Stop: nobody is there any more.
  Event wait_until(base::Clock::time_point moment);

 private:
  const bool with_keys_;
  ::sigset_t before_{};
  net::UniqueFd signals_;  // A signalfd(2).
};

}  // namespace chatgate::ctl
