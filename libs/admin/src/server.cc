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

net::Endpoint parse_address(const std::string& text) {
  const auto endpoint = net::parse_endpoint(text);
  if (endpoint && !std::holds_alternative<net::InheritedEndpoint>(*endpoint)) return *endpoint;
  throw std::runtime_error{
      "admin.address " + text +
      ": must be ADDRESS:PORT, such as 127.0.0.1:9464 or [::1]:9464, or unix:/path"};
}

Reach reach_of(const net::Endpoint& endpoint) {
  const auto* const tcp = std::get_if<net::TcpEndpoint>(&endpoint);
  if (tcp == nullptr) return Reach::UnixSocket;
  return is_loopback(tcp->ip) ? Reach::Loopback : Reach::Network;
}

// The HTTP server knows IPv4 alone, and no TLS.
bool needs_relay(const net::Endpoint& endpoint, const AdminTls& tls) {
  if (tls.is_on()) return true;
  const auto* const tcp = std::get_if<net::TcpEndpoint>(&endpoint);
  return tcp == nullptr || tcp->ip.family == net::IpAddress::Family::V6;
}

// Where the HTTP server listens: behind the relay, on a port of its own.
net::TcpEndpoint behind_relay() { return {net::IpAddress::parse("127.0.0.1").value(), 0}; }

// Of a Unix socket: 0.
std::uint16_t port_of(const std::string& address) {
  const auto endpoint = net::parse_endpoint(address);
  const auto* const tcp = endpoint ? std::get_if<net::TcpEndpoint>(&*endpoint) : nullptr;
  return tcp == nullptr ? std::uint16_t{0} : tcp->port;
}

base::Expected<std::optional<net::TlsContext>, std::string> load_tls(const AdminTls& tls) {
  if (!tls.is_on()) return std::optional<net::TlsContext>{};
  auto context = net::TlsContext::for_server({.certificate = tls.certificate, .key = tls.key});
  if (!context) return base::Unexpected{"admin.tls: " + context.error().text};
  return std::optional{*std::move(context)};
}

std::optional<net::TlsContext> load_first_tls(const AdminTls& tls) {
  auto context = load_tls(tls);
  if (!context) throw UnusableFile{context.error()};
  return *std::move(context);
}

}  // namespace

class Server::Impl {
 public:
  Impl(const AdminOptions& options, Backend& backend)
      : Impl{parse_address(options.address), options, backend} {}

  const std::string& address() const noexcept { return address_; }
  ControlGuard& guard() noexcept { return guard_; }

  base::Expected<std::string, std::string> reload_access(const AdminOptions& options) {
    auto tls = load_tls(options.tls == tls_ ? tls_ : AdminTls{});
    if (!tls) return base::Unexpected{tls.error()};
    auto warning = guard_.reload(options);
    if (warning && *tls) relay_->replace_tls(**std::move(tls));
    return warning;
  }

 private:
  Impl(const net::Endpoint& address, const AdminOptions& options, Backend& backend)
      : guard_{reach_of(address), options},
        tls_{options.tls},
        is_relayed_{needs_relay(address, options.tls)},
        http_{is_relayed_ ? behind_relay() : std::get<net::TcpEndpoint>(address),
              [this, &backend](const Request& request) { return answer(request, backend); }} {
    if (!is_relayed_) {
      address_ =
          net::to_text(net::TcpEndpoint{std::get<net::TcpEndpoint>(address).ip, http_.port()});
      return;
    }
    auto tls = load_first_tls(options.tls);
    auto listening = net::open_listening_sockets(address, kBacklog, 1, {}, {});
    address_ = listening.front().address();
    relay_.emplace(std::move(listening.front()), http_.port(), relayed_, std::move(tls));
  }

  // A Unix socket's file says who may come in: the port behind the relay must not let others in.
  Response answer(const Request& request, Backend& backend) const {
    if (is_relayed_ && !relayed_.contains(request.peer_port)) {
      return error_response(403, "this port is not the endpoint: use admin.address");
    }
    return respond(request, backend, guard_);
  }

  ControlGuard guard_;
  const AdminTls tls_;
  const bool is_relayed_;
  RelayedPorts relayed_;
  HttpServer http_;
  std::string address_;
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

std::uint16_t Server::port() const noexcept { return port_of(impl_->address()); }

const std::string& Server::address() const noexcept { return impl_->address(); }

const std::string& Server::token_warning() const noexcept { return impl_->guard().warning(); }

base::Expected<std::string, std::string> Server::reload_access(const AdminOptions& options) {
  return impl_->reload_access(options);
}

}  // namespace chatgate::admin
