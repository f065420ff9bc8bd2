#include "http_server.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <exception>
#include <future>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <civetweb.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <chatgate/base/units.h>
#include <chatgate/net/listening_socket.h>
#include <chatgate/net/unique_fd.h>

namespace chatgate::admin {
namespace {

using base::Clock;
using namespace std::chrono_literals;

constexpr std::size_t kBodyBytesMax = 1024;
constexpr std::size_t kWriteBytes = 64 * 1024;
constexpr auto kBodyTimeout = 5s;
constexpr auto kWriteTimeout = 30s;
constexpr auto kKnockInterval = 5ms;

// What civetweb would print to standard error, amid our log: clients that went away, mostly.
int drop_message(const ::mg_connection*, const char*) { return 1; }

// A client that reads a little now and then would keep the thread as long as it likes, were the
// whole response one mg_write().
void write_all(::mg_connection* connection, std::string_view text) {
  const auto deadline = Clock::now() + kWriteTimeout;
  while (!text.empty() && Clock::now() < deadline) {
    const auto size = std::min(text.size(), kWriteBytes);
    if (::mg_write(connection, text.data(), size) != static_cast<int>(size)) return;
    text.remove_prefix(size);
  }
}

void send(::mg_connection* connection, const Response& response, bool with_body) {
  auto text = fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n"
      "X-Content-Type-Options: nosniff\r\nConnection: close\r\n",
      response.status, ::mg_get_response_code_text(connection, response.status),
      response.content_type, response.body.size());
  for (const auto& [name, value] : response.headers) text += fmt::format("{}: {}\r\n", name, value);
  text += "\r\n";
  if (with_body) text += response.body;
  write_all(connection, text);
}

// The requests that civetweb refuses by itself: malformed, too long, too slow.
int send_error(::mg_connection* connection, int status, const char* message) noexcept {
  try {
    send(connection, error_response(status, message), true);
    return 0;
  } catch (const std::exception&) {
    return 1;
  }
}

// One byte a call, for mg_read() waits for all that it was asked for, each byte with a time-out of
// its own: a client could hold the thread for an hour with one byte every few seconds.
std::string read_body(::mg_connection* connection) {
  const auto deadline = Clock::now() + kBodyTimeout;
  std::string body;
  char byte = 0;
  while (body.size() <= kBodyBytesMax && Clock::now() < deadline &&
         ::mg_read(connection, &byte, 1) == 1) {
    body += byte;
  }
  return body;
}

std::optional<std::string_view> header(const ::mg_connection* connection, const char* name) {
  const char* const value = ::mg_get_header(connection, name);
  if (value == nullptr) return std::nullopt;
  return value;
}

struct Option {
  const char* name;
  const char* value;
};

::mg_context* start(const std::string& address, void* user, int (*on_request)(::mg_connection*)) {
  const std::array<Option, 9> given{{{"listening_ports", address.c_str()},
                                     {"num_threads", "4"},
                                     {"connection_queue", "64"},
                                     {"listen_backlog", "512"},
                                     {"max_request_size", "8192"},
                                     {"request_timeout_ms", "5000"},
                                     {"enable_keep_alive", "no"},
                                     {"enable_auth_domain_check", "no"},
                                     {"tcp_nodelay", "1"}}};
  std::vector<const char*> options;  // Names and values in turn, then nullptr.
  for (const auto& [name, value] : given) options.insert(options.end(), {name, value});
  options.push_back(nullptr);
  ::mg_callbacks callbacks{};
  callbacks.begin_request = on_request;
  callbacks.http_error = send_error;
  callbacks.log_message = drop_message;
  return ::mg_start(&callbacks, user, options.data());
}

}  // namespace

HttpServer::HttpServer(const net::TcpEndpoint& address, Respond respond)
    : ip_{address.ip}, respond_{std::move(respond)} {
  ::mg_init_library(MG_FEATURES_DEFAULT);
  context_ = start(net::to_text(address), this, on_request);
  if (context_ == nullptr) {
    ::mg_exit_library();
    // civetweb does not say why; most often the reason is still there when we try ourselves.
    const auto ignored = net::open_listening_sockets(address, 1, 1, {}, {});
    throw std::runtime_error{"the HTTP server did not start: out of threads or memory?"};
  }
  ::mg_server_port port{};
  ::mg_get_server_ports(context_, 1, &port);
  port_ = static_cast<std::uint16_t>(port.port);
}

HttpServer::~HttpServer() {
  // civetweb's accepting thread looks at its stop flag every 2 s, or when a client comes.
  try {
    auto stopped = std::async(std::launch::async, [this] { ::mg_stop(context_); });
    do knock();
    while (stopped.wait_for(kKnockInterval) != std::future_status::ready);
  } catch (const std::system_error&) {  // No thread left to help.
    ::mg_stop(context_);
  }
  ::mg_exit_library();
}

void HttpServer::knock() const noexcept {
  const net::UniqueFd socket{::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  ::sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port_);
  std::memcpy(&address.sin_addr, ip_.bytes.data(), sizeof address.sin_addr);
  const int ignored =
      ::connect(socket.get(), reinterpret_cast<const ::sockaddr*>(&address), sizeof address);
  static_cast<void>(ignored);
}

int HttpServer::on_request(::mg_connection* connection) noexcept {
  // Without this, civetweb reads on what is left of the body, however long the client says it is.
  ::mg_disable_connection_keep_alive(connection);
  const auto* const info = ::mg_get_request_info(connection);
  const auto& server = *static_cast<const HttpServer*>(info->user_data);
  const bool with_body = std::string_view{info->request_method} != "HEAD";
  try {
    const auto response = server.answer(connection);
    send(connection, response, with_body);
    return response.status;
  } catch (const std::exception& error) {
    send_error(connection, 500, error.what());
    return 500;
  }
}

Response HttpServer::answer(::mg_connection* connection) const {
  const auto& info = *::mg_get_request_info(connection);
  const auto declared = info.content_length;
  const auto too_large = [] {
    return error_response(413, fmt::format("a body has at most {} bytes", kBodyBytesMax));
  };
  // civetweb drops the headers beyond these without a word: the one that refuses may be there.
  if (info.num_headers >= MG_MAX_HEADERS) return error_response(431, "too many headers");
  if (declared > static_cast<long long>(kBodyBytesMax)) return too_large();
  const auto body = read_body(connection);
  if (body.size() > kBodyBytesMax) return too_large();
  if (declared > static_cast<long long>(body.size())) {
    return error_response(408, "the body is shorter than its Content-Length");
  }
  return respond_({.method = info.request_method,
                   .path = info.local_uri,
                   .query = info.query_string == nullptr ? "" : info.query_string,
                   .body = body,
                   .host = header(connection, "Host"),
                   .origin = header(connection, "Origin"),
                   .authorization = header(connection, "Authorization"),
                   .peer_port = static_cast<std::uint16_t>(info.remote_port)});
}

}  // namespace chatgate::admin
