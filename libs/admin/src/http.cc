#include "http.h"

#include "json.h"

#include <algorithm>
#include <charconv>

#include <nlohmann/json.hpp>

namespace chatgate::admin {
namespace {

std::optional<char> parse_escape(std::string_view text) {
  if (text.size() < 3) return std::nullopt;
  unsigned value = 0;
  const auto* const end = text.data() + 3;
  const auto [stop, error] = std::from_chars(text.data() + 1, end, value, 16);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return static_cast<char>(value);
}

std::string decode(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i] == '+' ? ' ' : text[i];
    if (c == '%') {
      if (const auto escaped = parse_escape(text.substr(i))) {
        c = *escaped;
        i += 2;
      }
    }
    decoded += c;
  }
  return decoded;
}

}  // namespace

Response text_response(int status, std::string text) {
  return {status, "text/plain; charset=utf-8", std::move(text), {}};
}

Response error_response(int status, std::string_view message) {
  return json_response(status, {{"error", message}});
}

std::vector<Parameter> parse_query_string(std::string_view query) {
  std::vector<Parameter> parameters;
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto one = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (one.empty()) continue;
    const auto equals = std::min(one.find('='), one.size());
    const auto value = one.substr(std::min(equals + 1, one.size()));
    parameters.emplace_back(decode(one.substr(0, equals)), decode(value));
  }
  return parameters;
}

}  // namespace chatgate::admin
