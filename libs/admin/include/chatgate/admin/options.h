#pragma once

#include <string>

namespace chatgate::admin {

/// Where the HTTP endpoint listens, and what a control request must show.
struct AdminOptions {
  std::string address = "127.0.0.1:9464";  // HOST:PORT; empty = no endpoint.
  std::string token_file;                  // The bearer token of control requests; empty = none.

  friend bool operator==(const AdminOptions&, const AdminOptions&) = default;
};

}  // namespace chatgate::admin
