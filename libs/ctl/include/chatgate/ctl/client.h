#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <chatgate/base/expected.h>

namespace chatgate::net {
class ClientSocket;
}

namespace chatgate::ctl {

/// Which gateway is asked, and as whom.
struct ClientOptions {
  // HOST:PORT, [V6]:PORT or unix:/path, as `admin.address`; https://HOST:PORT if it speaks TLS.
  std::string admin = "127.0.0.1:9464";
  std::string ca;          // PEM: who signed its certificate; empty = whom the machine trusts.
  std::string token_file;  // As `admin.token_file`; empty = no token.
  std::chrono::nanoseconds timeout = std::chrono::seconds{10};  // For one request.
};

/// What the endpoint answered.
struct Answer {
  int status = 0;
  std::string body;

  bool is_good() const noexcept { return status >= 200 && status < 300; }
};

using Parameters = std::vector<std::pair<std::string_view, std::string>>;

/// `path` with the parameters that are not empty, escaped.
std::string target(std::string_view path, const Parameters& parameters);

/// Talks HTTP to the admin endpoint, one connection a request; the token is read for each, so that
/// a new one counts at once.
///
/// Threads: any, one at a time. Errors: one sentence that says what to do; a status that is no
/// success is an answer, which explain() puts into words.
class Client {
 public:
  explicit Client(ClientOptions options) : options_{std::move(options)} {}

  base::Expected<Answer, std::string> get(const std::string& target) const;
  base::Expected<Answer, std::string> post(const std::string& target) const;

  /// Why an answer is no success, for a person.
  std::string explain(const Answer& answer) const;

  const std::string& admin() const noexcept { return options_.admin; }

 private:
  base::Expected<Answer, std::string> exchange(std::string_view method,
                                               const std::string& target) const;
  base::Expected<std::string, std::string> authorization() const;
  // Nothing when there is nothing to secure, or it is.
  std::optional<std::string> secure(net::ClientSocket& socket) const;

  const ClientOptions options_;
};

}  // namespace chatgate::ctl
