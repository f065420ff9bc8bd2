#pragma once

#include "http.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <chatgate/admin/options.h>
#include <chatgate/base/expected.h>
#include <chatgate/base/mutex.h>
#include <chatgate/net/address.h>

namespace chatgate::admin {

/// How a client gets to the endpoint.
enum class Reach : std::uint8_t { UnixSocket, Loopback, Network };

bool is_loopback(const net::IpAddress& ip);

/// Decides who may see and who may change something.
///
/// Threads: every function may be called from any thread.
class ControlGuard {
 public:
  /// Throws UnusableFile when the token file is of no use.
  ControlGuard(Reach reach, const AdminOptions& options);

  /// The refusal of a request that changes something, or nullopt when it is allowed.
  std::optional<Response> refuse_control(const Request& request) const;
  /// The refusal of one that tells of clients or of the configuration.
  std::optional<Response> refuse_view(const Request& request) const;
  /// The refusal of a scrape, which a page cannot read for its format.
  std::optional<Response> refuse_scrape(const Request& request) const;

  /// What controls need, in one word: `open` = nothing, `token`, `off` = they are never allowed.
  std::string_view controls() const;

  const std::string& warning() const noexcept { return warning_; }
  base::Expected<std::string, std::string> reload(const AdminOptions& options);

 private:
  std::optional<Response> refuse_forged(const Request& request) const;
  std::optional<Response> refuse_unknown(const Request& request) const;
  bool is_for_everything() const;

  const Reach reach_;
  std::string warning_;  // Written by the constructor alone.

  mutable base::Mutex mutex_;
  std::string token_ CHATGATE_GUARDED_BY(mutex_);  // Empty = none is configured.
  TokenFor token_for_ CHATGATE_GUARDED_BY(mutex_) = TokenFor::Controls;
};

}  // namespace chatgate::admin
