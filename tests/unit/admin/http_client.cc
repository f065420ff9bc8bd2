#include "http_client.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <system_error>

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

namespace chatgate::admin {
namespace {

[[noreturn]] void fail(const char* what) {
  throw std::system_error{errno, std::generic_category(), what};
}

void connect_v4(int socket, std::uint16_t port) {
  ::sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto* const target = reinterpret_cast<const ::sockaddr*>(&address);
  if (::connect(socket, target, sizeof address) != 0) fail("connect");
}

void connect_v6(int socket, std::uint16_t port) {
  ::sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  address.sin6_addr = in6addr_loopback;
  const auto* const target = reinterpret_cast<const ::sockaddr*>(&address);
  if (::connect(socket, target, sizeof address) != 0) fail("connect");
}

Answer take_apart(std::string_view text) {
  constexpr std::string_view kVersion = "HTTP/1.1 ";
  Answer answer;
  const auto end = text.find("\r\n\r\n");
  if (end == text.npos || !text.starts_with(kVersion)) return answer;
  const auto* const digits = text.data() + kVersion.size();
  std::from_chars(digits, digits + 3, answer.status);
  answer.head = text.substr(0, end + 2);
  answer.body = text.substr(end + 4);
  return answer;
}

}  // namespace

std::string Answer::header(std::string_view name) const {
  const auto key = fmt::format("\r\n{}: ", name);
  const auto start = head.find(key);
  if (start == head.npos) return {};
  const auto value = start + key.size();
  return head.substr(value, head.find("\r\n", value) - value);
}

HttpClient::HttpClient(std::uint16_t port, Family family)
    : socket_{::socket(family == Family::V4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
  if (!socket_) fail("socket");
  const ::timeval timeout{20, 0};
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  if (family == Family::V4) {
    connect_v4(socket_.get(), port);
  } else {
    connect_v6(socket_.get(), port);
  }
}

void HttpClient::send(std::string_view text) {
  while (!text.empty()) {
    const auto sent = ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
    if (sent < 0) fail("send");
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void HttpClient::finish_sending() { ::shutdown(socket_.get(), SHUT_WR); }

Answer HttpClient::receive() {
  std::string text;
  std::array<char, 16 * 1024> buffer{};
  while (true) {
    const auto got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (got < 0 && errno != ECONNRESET) fail("recv");
    if (got <= 0) return take_apart(text);
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

Answer request(std::uint16_t port, std::string_view method, std::string_view target,
               std::string_view headers, std::string_view body) {
  HttpClient client{port};
  const auto host = headers.find("Host:") == headers.npos ? "Host: localhost\r\n" : "";
  client.send(fmt::format("{} {} HTTP/1.1\r\n{}{}Content-Length: {}\r\n\r\n{}", method, target,
                          host, headers, body.size(), body));
  return client.receive();
}

Answer get(std::uint16_t port, std::string_view target) { return request(port, "GET", target); }

Answer post(std::uint16_t port, std::string_view target, std::string_view headers) {
  return request(port, "POST", target, headers);
}

}  // namespace chatgate::admin
