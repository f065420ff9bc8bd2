#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <chatgate/support/test_client.h>

namespace chatgate::integration {

/// One session::Worker without acceptors: for what no client can bring about, and for its life.
///
/// Lifetime: the destructor destroys the worker with the sessions that it has.
class LoneWorker {
 public:
  LoneWorker();
  ~LoneWorker();
  LoneWorker(const LoneWorker&) = delete;
  LoneWorker& operator=(const LoneWorker&) = delete;

  /// Hands over a descriptor that epoll_ctl(2) refuses with EPERM.
  void hand_over_what_cannot_be_watched();

  /// Hands over one end of a connection over a Unix socket, and gives the other.
  support::TestClient hand_over_connection();

  /// Destroys the worker, as a gateway that stops does.
  void destroy();

  /// The reasons of the sessions that ended, in order.
  std::vector<std::string> closed_reasons() const;
  std::string metrics() const;
  std::size_t load() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace chatgate::integration
