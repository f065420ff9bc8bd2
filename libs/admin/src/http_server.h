#pragma once

#include "http.h"

#include <cstdint>
#include <functional>
#include <memory>

#include <chatgate/net/listen_options.h>

struct mg_connection;
struct mg_context;

namespace chatgate::admin {

/// Serves HTTP with civetweb's threads: bounds each request in bytes and in time, then leaves it to
/// a function. IPv4 alone: Debian builds civetweb without IPv6.
///
/// Threads: `respond` is called by several at a time; an exception of it becomes a 500.
class HttpServer {
 public:
  using Respond = std::function<Response(const Request&)>;

  /// Errors: throws std::system_error when the address cannot be had, std::runtime_error when the
  /// threads cannot.
  HttpServer(const net::TcpEndpoint& address, Respond respond);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::uint16_t port() const noexcept { return port_; }

 private:
  static int on_request(::mg_connection* connection) noexcept;
  Response answer(::mg_connection* connection) const;
  void knock() const noexcept;

  const net::IpAddress ip_;
  const Respond respond_;
  ::mg_context* context_ = nullptr;
  std::uint16_t port_ = 0;
};

}  // namespace chatgate::admin
