#pragma once

#include <cstdint>
#include <string>

namespace chatgate::support {

/// What an HTTP server answered.
struct HttpResponse {
  int status = 0;  // 0 when the answer was not HTTP.
  std::string headers;
  std::string body;
};

/// Sends one request to 127.0.0.1 over a connection of its own. `headers` is empty or whole lines,
/// such as `Authorization: Bearer x\r\n`. Throws std::runtime_error when nobody listens.
HttpResponse http_get(std::uint16_t port, const std::string& path, const std::string& headers = "");
HttpResponse http_post(std::uint16_t port, const std::string& path, const std::string& body = "",
                       const std::string& headers = "");

}  // namespace chatgate::support
