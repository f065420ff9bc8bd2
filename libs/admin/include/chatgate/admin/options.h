#pragma once

#include <cstdint>
#include <string>

namespace chatgate::admin {

/// What a configured token is needed for.
enum class TokenFor : std::uint8_t {
  Controls,    // What changes something.
  Everything,  // All but the page without its data, /livez and /readyz.
};

/// Where the HTTP endpoint listens, and what a request must show.
struct AdminOptions {
  std::string address = "127.0.0.1:9464";  // HOST:PORT or unix:/path; empty = no endpoint.
  std::string token_file;                  // Holds the bearer token; empty = none.
  TokenFor token_for = TokenFor::Controls;

  friend bool operator==(const AdminOptions&, const AdminOptions&) = default;
};

}  // namespace chatgate::admin
