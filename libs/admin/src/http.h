#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace chatgate::admin {

/// One HTTP request, parsed and bounded by the server. The views live as long as it is served.
struct Request {
  std::string_view method;
  std::string_view path;   // Decoded.
  std::string_view query;  // After `?`, not decoded.
  std::string_view body;
  std::optional<std::string_view> host;
  std::optional<std::string_view> origin;
  std::optional<std::string_view> authorization;
  std::uint16_t peer_port = 0;
};

struct Response {
  int status = 200;
  std::string_view content_type;
  std::string body;
  std::vector<std::pair<std::string_view, std::string>> headers;  // Beyond those that all carry.
};

/// Text for a person or a probe, one line or several, as it is.
Response text_response(int status, std::string text);

/// `{"error": message}`. Bytes of a client that are no UTF-8 are replaced.
Response error_response(int status, std::string_view message);

/// A parameter of a query string, decoded (URL Standard, application/x-www-form-urlencoded).
using Parameter = std::pair<std::string, std::string>;
std::vector<Parameter> parse_query_string(std::string_view query);

}  // namespace chatgate::admin
