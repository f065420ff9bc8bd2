#pragma once

#include "http.h"

#include <optional>
#include <string>
#include <string_view>

#include <chatgate/base/expected.h>
#include <chatgate/base/mutex.h>
#include <chatgate/net/address.h>

namespace chatgate::admin {

/// Decides who may change something.
///
/// Threads: every function may be called from any thread.
class ControlGuard {
 public:
  /// `token_file` may be empty. Throws std::runtime_error when it is of no use.
  ControlGuard(const net::IpAddress& bound, const std::string& token_file);

  /// The refusal of a control request, or nullopt when it is allowed.
  std::optional<Response> refuse(const Request& request) const;

  const std::string& warning() const noexcept { return warning_; }
  base::Expected<std::string, std::string> reload_token(const std::string& token_file);

 private:
  std::optional<Response> refuse_forged(const Request& request) const;
  std::optional<Response> refuse_unknown(const Request& request) const;

  const bool is_loopback_;
  std::string warning_;  // Written by the constructor alone.

  mutable base::Mutex mutex_;
  std::string token_ CHATGATE_GUARDED_BY(mutex_);  // Empty = none is configured.
};

}  // namespace chatgate::admin
