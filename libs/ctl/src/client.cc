#include <algorithm>
#include <cctype>
#include <charconv>
#include <fstream>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <chatgate/base/units.h>
#include <chatgate/ctl/client.h>
#include <chatgate/net/client_socket.h>
#include <chatgate/net/resolve.h>
#include <chatgate/telemetry/printable_text.h>

namespace chatgate::ctl {
namespace {

using base::Expected;
using base::Unexpected;

constexpr std::size_t kAnswerBytesMax = 256 << 20;
constexpr std::size_t kTokenBytesMax = 4096;

std::string escape_parameter(std::string_view text) {
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string escaped;
  for (const char c : text) {
    if (kPlain.find(c) != kPlain.npos) {
      escaped += c;
    } else {
      escaped += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return escaped;
}

// The value of a header in `head`, whose names are of any case.
std::optional<std::string_view> find_header(std::string_view head, std::string_view name) {
  const auto same = [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) ==
           std::tolower(static_cast<unsigned char>(b));
  };
  while (!head.empty()) {
    const auto line = head.substr(0, head.find("\r\n"));
    head.remove_prefix(std::min(head.size(), line.size() + 2));
    if (line.size() <= name.size() || line[name.size()] != ':') continue;
    if (!std::equal(name.begin(), name.end(), line.begin(), same)) continue;
    auto value = line.substr(name.size() + 1);
    value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
    return value;
  }
  return std::nullopt;
}

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  const auto* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return number;
}

// Nothing when the text is no whole HTTP/1 answer.
std::optional<Answer> parse_answer(std::string_view text) {
  const auto end_of_head = text.find("\r\n\r\n");
  if (!text.starts_with("HTTP/1.") || end_of_head == text.npos) return std::nullopt;
  const auto head = text.substr(0, end_of_head);
  const auto body = text.substr(end_of_head + 4);
  const auto status =
      parse_number<int>(head.substr(std::min(head.find(' '), head.size() - 1) + 1, 3));
  if (!status) return std::nullopt;
  if (const auto length = find_header(head, "Content-Length")) {
    if (parse_number<std::size_t>(*length) != body.size()) return std::nullopt;
  }
  return Answer{*status, std::string{body}};
}

constexpr std::string_view kHttps = "https://";

bool is_secure(std::string_view admin) { return admin.starts_with(kHttps); }

// HOST:PORT of an URL as well, as people copy it from a browser.
std::string address_of(std::string_view admin) {
  if (is_secure(admin)) admin.remove_prefix(kHttps.size());
  return std::string{admin.ends_with('/') ? admin.substr(0, admin.size() - 1) : admin};
}

std::string advice_for(const std::string& admin) {
  if (admin.starts_with("unix:")) {
    return "is the gateway running, is this its admin.address, and may you write to the socket's "
           "file? (--admin)";
  }
  return "is the gateway running, and is this its admin.address? (--admin)";
}

std::string error_of(const std::string& body) {
  const auto json = nlohmann::json::parse(body, nullptr, false);
  if (!json.is_object() || !json.contains("error") || !json["error"].is_string()) return {};
  return telemetry::printable_text(json["error"].get<std::string>());
}

}  // namespace

std::string target(std::string_view path, const Parameters& parameters) {
  std::string text{path};
  char separator = '?';
  for (const auto& [name, value] : parameters) {
    if (value.empty()) continue;
    text += fmt::format("{}{}={}", separator, name, escape_parameter(value));
    separator = '&';
  }
  return text;
}

Expected<Answer, std::string> Client::get(const std::string& target) const {
  return exchange("GET", target);
}

Expected<Answer, std::string> Client::post(const std::string& target) const {
  return exchange("POST", target);
}

Expected<std::string, std::string> Client::authorization() const {
  if (options_.token_file.empty()) return std::string{};
  std::ifstream file{options_.token_file};
  std::string token;
  if (!(file >> token) || token.size() > kTokenBytesMax) {
    return Unexpected{fmt::format(
        "--token-file {}: cannot be read, or holds no token; it is the file that admin.token_file "
        "names, and only its owner may read it",
        options_.token_file)};
  }
  return fmt::format("Authorization: Bearer {}\r\n", token);
}

Expected<Answer, std::string> Client::exchange(std::string_view method,
                                               const std::string& target) const {
  const auto& admin = options_.admin;
  const auto authorization = this->authorization();
  if (!authorization) return Unexpected{authorization.error()};
  const auto server = address_of(admin);
  const auto candidates = net::resolve(server);
  if (!candidates) return Unexpected{fmt::format("--admin {}: {}", admin, candidates.error())};
  const bool is_unix = admin.starts_with("unix:");
  const auto request = fmt::format("{} {} HTTP/1.0\r\nHost: {}\r\n{}\r\n", method, target,
                                   is_unix ? "localhost" : server, *authorization);
  net::ClientSocket socket{base::Clock::now() + options_.timeout};
  if (const auto error = socket.connect(*candidates)) {
    return Unexpected{fmt::format("cannot reach the admin endpoint at {}: {}; {}", admin, *error,
                                  advice_for(admin))};
  }
  if (const auto error = secure(socket)) return Unexpected{*error};
  std::string text;
  // A refusal may come before the request is read to its end: the answer says why.
  const auto unsent = socket.send(request);
  while (text.size() < kAnswerBytesMax) {
    const auto size = socket.receive(text);
    if (!size && parse_answer(text)) break;
    if (!size) {
      return Unexpected{fmt::format("{} does not answer: {}; look at its log", admin,
                                    unsent.value_or(size.error()))};
    }
    if (*size == 0) break;
  }
  if (auto answer = parse_answer(text)) return *std::move(answer);
  return Unexpected{fmt::format(
      "{} does not answer as an admin endpoint does: --admin is admin.address, not a listener's",
      admin)};
}

std::optional<std::string> Client::secure(net::ClientSocket& socket) const {
  const auto& admin = options_.admin;
  if (!is_secure(admin)) return std::nullopt;
  const auto context = net::TlsContext::for_client(options_.ca);
  if (!context) return fmt::format("--ca {}", context.error());
  const auto error = socket.start_tls(*context, net::host_of(address_of(admin)));
  if (!error) return std::nullopt;
  return fmt::format(
      "no TLS with {}: {}; --ca names a file with who signed its certificate, which must name {}",
      admin, *error, net::host_of(address_of(admin)));
}

std::string Client::explain(const Answer& answer) const {
  if (answer.status == 401 && options_.token_file.empty()) {
    return "the gateway asks for its token: --token-file FILE, the file that admin.token_file "
           "names";
  }
  if (answer.status == 401) {
    return fmt::format(
        "the gateway does not accept the token in {}: it is not, or no longer, the "
        "content of admin.token_file",
        options_.token_file);
  }
  auto text = error_of(answer.body);
  if (!text.empty()) return text;
  return fmt::format("{} answered {}: is --admin another program's?", options_.admin,
                     answer.status);
}

}  // namespace chatgate::ctl
