#include "control_guard.h"
#include "http_server.h"
#include "relay.h"
#include "router.h"

#include <optional>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <chatgate/admin/server.h>
#include <chatgate/net/listen_options.h>
#include <chatgate/net/listening_socket.h>

namespace chatgate::admin {
namespace {

constexpr std::uint32_t kBacklog = 512;

net::TcpEndpoint parse_address(const std::string& text) {
  const auto endpoint = net::parse_endpoint(text);
  const auto* const tcp = endpoint ? std::get_if<net::TcpEndpoint>(&*endpoint) : nullptr;
  if (tcp != nullptr) return *tcp;
  throw std::runtime_error{"admin.address " + text +
                           ": must be ADDRESS:PORT, such as 127.0.0.1:9464 or [::1]:9464"};
}

bool is_v6(const net::TcpEndpoint& endpoint) {
  return endpoint.ip.family == net::IpAddress::Family::V6;
}

// Where the HTTP server listens: behind the relay, on a port of its own.
net::TcpEndpoint behind_relay() { return {net::IpAddress::parse("127.0.0.1").value(), 0}; }

std::uint16_t port_of(const net::ListeningSocket& listening) {
  const auto endpoint = net::parse_endpoint(listening.address());
  return std::get<net::TcpEndpoint>(endpoint.value()).port;
}

}  // namespace

class Server::Impl {
 public:
  Impl(const AdminOptions& options, Backend& backend)
      : Impl{parse_address(options.address), options, backend} {}

  std::uint16_t port() const noexcept { return port_; }
  ControlGuard& guard() noexcept { return guard_; }

 private:
  Impl(const net::TcpEndpoint& address, const AdminOptions& options, Backend& backend)
      : guard_{address.ip, options.token_file},
        http_{
            is_v6(address) ? behind_relay() : address,
            [this, &backend](const Request& request) { return respond(request, backend, guard_); }},
        port_{http_.port()} {
    if (!is_v6(address)) return;
    auto listening = net::open_listening_sockets(address, kBacklog, 1, {}, {});
    port_ = port_of(listening.front());
    relay_.emplace(std::move(listening.front()), http_.port());
  }

  ControlGuard guard_;
  HttpServer http_;
  std::uint16_t port_;
  std::optional<Relay> relay_;
};

namespace {

// The key first, as in every message about the configuration.
template <class Start>
auto start_named(const std::string& address, Start start) {
  try {
    return start();
  } catch (const std::system_error& error) {
    throw std::system_error{error.code(), "admin.address " + address};
  }
}

}  // namespace

Server::Server(const AdminOptions& options, Backend& backend)
    : impl_{
          start_named(options.address, [&] { return std::make_unique<Impl>(options, backend); })} {}

Server::~Server() = default;

std::uint16_t Server::port() const noexcept { return impl_->port(); }

const std::string& Server::token_warning() const noexcept { return impl_->guard().warning(); }

base::Expected<std::string, std::string> Server::reload_token(const std::string& token_file) {
  return impl_->guard().reload_token(token_file);
}

}  // namespace chatgate::admin
