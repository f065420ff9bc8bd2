#include "chatgate/support/http.h"

#include <charconv>
#include <string_view>

#include <fmt/format.h>

#include <chatgate/support/test_client.h>

namespace chatgate::support {
namespace {

constexpr std::string_view kEndOfHeaders = "\r\n\r\n";

// Takes the chunks apart that HTTP/1.1 servers send when they know no length (RFC 9112 7.1).
std::string joined_chunks(std::string_view text) {
  std::string body;
  while (true) {
    const auto end = text.find("\r\n");
    std::size_t size = 0;
    const auto* head = text.data();
    const auto [stop, error] =
        std::from_chars(head, head + (end == std::string_view::npos ? 0 : end), size, 16);
    if (error != std::errc{} || size == 0 || text.size() < end + size + 4) return body;
    body += text.substr(end + 2, size);
    text.remove_prefix(end + size + 4);
  }
}

HttpResponse parse_response(std::string_view text) {
  HttpResponse response;
  const auto end = text.find(kEndOfHeaders);
  constexpr std::string_view kStatusLine = "HTTP/1.1 ";
  if (end == std::string_view::npos || !text.starts_with("HTTP/1.")) return response;
  const auto status = text.substr(kStatusLine.size(), 3);
  std::from_chars(status.data(), status.data() + status.size(), response.status);
  response.headers = text.substr(0, end + 2);
  response.body = text.substr(end + kEndOfHeaders.size());
  if (response.headers.find("Transfer-Encoding: chunked") != std::string::npos) {
    response.body = joined_chunks(response.body);
  }
  return response;
}

HttpResponse ask(std::uint16_t port, const std::string& request) {
  TestClient client{port};
  client.send(request);
  return parse_response(client.receive_until_eof());
}

}  // namespace

HttpResponse http_get(std::uint16_t port, const std::string& path, const std::string& headers) {
  return ask(port, fmt::format("GET {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                               "{}\r\n",
                               path, headers));
}

HttpResponse http_post(std::uint16_t port, const std::string& path, const std::string& body,
                       const std::string& headers) {
  return ask(port, fmt::format("POST {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                               "Content-Length: {}\r\n{}\r\n{}",
                               path, body.size(), headers, body));
}

}  // namespace chatgate::support
