#pragma once

#include <cstdint>
#include <string>

namespace chatgate::admin {

/// What a configured token is needed for.
enum class TokenFor : std::uint8_t {
  Controls,    // What changes something.
  Everything,  // All but the page without its data, /livez and /readyz.
};

/// PEM files; both empty = the endpoint speaks plain HTTP.
struct AdminTls {
  std::string certificate;
  std::string key;

  bool is_on() const noexcept { return !certificate.empty(); }

  friend bool operator==(const AdminTls&, const AdminTls&) = default;
};

/// Where the HTTP endpoint listens, and what a request must show.
struct AdminOptions {
  std::string address = "127.0.0.1:9464";  // HOST:PORT or unix:/path; empty = no endpoint.
  std::string token_file;                  // Holds the bearer token; empty = none.
  TokenFor token_for = TokenFor::Controls;
  AdminTls tls;  // Not for a Unix socket.

  friend bool operator==(const AdminOptions&, const AdminOptions&) = default;
};

}  // namespace chatgate::admin
