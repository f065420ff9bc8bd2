#include "control_guard.h"

#include "token_file.h"

#include <algorithm>
#include <utility>

#include <chatgate/admin/server.h>
#include <chatgate/base/expected.h>

namespace chatgate::admin {

bool is_loopback(const net::IpAddress& ip) {
  const auto v4 = net::Cidr::parse("127.0.0.0/8").value();
  const auto v6 = net::Cidr::parse("::1/128").value();
  return v4.contains(ip) || v6.contains(ip);
}

namespace {

char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, to_lower, to_lower);
}

// `host`, `host:port`, `[v6]` or `[v6]:port` (RFC 3986, 3.2) without port and brackets.
std::string_view host_of(std::string_view authority) {
  if (authority.starts_with('[')) {
    const auto end = std::min(authority.find(']'), authority.size());
    return authority.substr(1, end - 1);
  }
  return authority.substr(0, authority.find(':'));
}

// A page gets here by a name that its own DNS points at us; never by an address or by localhost.
bool is_local_host(std::string_view authority) {
  const auto host = host_of(authority);
  if (equal_ignoring_case(host, "localhost")) return true;
  const auto ip = net::IpAddress::parse(host);
  return ip && is_loopback(*ip);
}

bool is_same_origin(std::string_view origin, std::optional<std::string_view> host) {
  const auto scheme = origin.find("://");
  return scheme != origin.npos && host && equal_ignoring_case(origin.substr(scheme + 3), *host);
}

// As long for every guess of a length, wherever it differs: timing tells nothing of the token.
bool equal_in_constant_time(std::string_view guess, std::string_view token) {
  unsigned difference = guess.size() != token.size();
  for (std::size_t i = 0; i < guess.size(); ++i) {
    const auto expected = static_cast<unsigned char>(token[i % token.size()]);
    difference |= static_cast<unsigned>(static_cast<unsigned char>(guess[i]) ^ expected);
  }
  const volatile unsigned result = difference;
  return result == 0;
}

std::string_view bearer_token(std::optional<std::string_view> authorization) {
  constexpr std::string_view kScheme = "Bearer ";
  if (!authorization || authorization->size() <= kScheme.size()) return {};
  if (!equal_ignoring_case(authorization->substr(0, kScheme.size()), kScheme)) return {};
  const auto token = authorization->substr(kScheme.size());
  return token.substr(std::min(token.find_first_not_of(' '), token.size()));
}

}  // namespace

ControlGuard::ControlGuard(Reach reach, const AdminOptions& options) : reach_{reach} {
  auto loaded = reload(options);
  if (!loaded) throw UnusableFile{loaded.error()};
  warning_ = std::move(*loaded);
}

std::optional<Response> ControlGuard::refuse_control(const Request& request) const {
  if (auto refusal = refuse_forged(request)) return refusal;
  return refuse_unknown(request);
}

std::optional<Response> ControlGuard::refuse_view(const Request& request) const {
  if (auto refusal = refuse_forged(request)) return refusal;
  return refuse_scrape(request);
}

std::optional<Response> ControlGuard::refuse_scrape(const Request& request) const {
  return is_for_everything() ? refuse_unknown(request) : std::nullopt;
}

std::string_view ControlGuard::controls() const {
  const base::MutexLock lock{mutex_};
  if (!token_.empty()) return "token";
  return reach_ == Reach::Network ? "off" : "open";
}

bool ControlGuard::is_for_everything() const {
  const base::MutexLock lock{mutex_};
  return token_for_ == TokenFor::Everything;
}

std::optional<Response> ControlGuard::refuse_forged(const Request& request) const {
  if (request.origin && !is_same_origin(*request.origin, request.host)) {
    return error_response(403,
                          "the Origin is another site's: a web page may not control the gateway");
  }
  if (reach_ == Reach::Loopback && request.host && !is_local_host(*request.host)) {
    return error_response(403,
                          "the Host is not this machine's loopback address; use 127.0.0.1, [::1] "
                          "or localhost in the URL");
  }
  return std::nullopt;
}

std::optional<Response> ControlGuard::refuse_unknown(const Request& request) const {
  const base::MutexLock lock{mutex_};
  if (token_.empty()) {
    if (reach_ != Reach::Network) return std::nullopt;
    return error_response(403,
                          "controls are off: admin.address is not a loopback address and no token "
                          "is configured; set admin.token_file");
  }
  const auto guess = bearer_token(request.authorization);
  if (!guess.empty() && equal_in_constant_time(guess, token_)) return std::nullopt;
  auto refusal =
      error_response(401, "send the content of admin.token_file as 'Authorization: Bearer TOKEN'");
  refusal.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"chatgate\"");
  return refusal;
}

base::Expected<std::string, std::string> ControlGuard::reload(const AdminOptions& options) {
  Token present;
  if (!options.token_file.empty()) {
    auto loaded = load_token(options.token_file);
    if (!loaded) return base::Unexpected{loaded.error()};
    present = *std::move(loaded);
  }
  const base::MutexLock lock{mutex_};
  token_ = std::move(present.value);
  token_for_ = options.token_for;
  return std::move(present.warning);
}

}  // namespace chatgate::admin
