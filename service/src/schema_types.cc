#include "schema_types.h"

#include <optional>
#include <string_view>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include <chatgate/config/wording.h>

namespace chatgate::service {
namespace {

using config::Mistake;
using config::Parsed;
using config::TypeInfo;
using protocol::Placeholder;

TypeInfo text_info(std::string name, std::string expected, std::string pattern) {
  return {.form = TypeInfo::Form::Text,
          .name = std::move(name),
          .expected = std::move(expected),
          .pattern = std::move(pattern),
          .bytes_max = 4096};
}

// A text of its own kind, kept as it was written.
config::Type<std::string> checked_text(const TypeInfo& info, bool (*is_fine)(std::string_view)) {
  const auto plain = config::text(info.bytes_max);
  return {info,
          [info, plain, is_fine](std::string_view text) -> Parsed<std::string> {
            if (!is_fine(text)) return base::Unexpected{config::must_be(info, text)};
            return plain.parse(text);
          },
          plain.to_text};
}

template <class M, class Parse>
config::Type<M> parsed_text(TypeInfo info, Parse parse) {
  return {info,
          [info, parse](std::string_view text) -> Parsed<M> {
            auto value = parse(text);
            if (!value) return base::Unexpected{config::must_be(info, text)};
            return std::move(*value);
          },
          [](const M& value) { return net::to_text(value); }};
}

std::string_view spelling(Placeholder placeholder) {
  switch (placeholder) {
    case Placeholder::Message:
      return "{message}";
    case Placeholder::Peer:
      return "{peer}";
    case Placeholder::Listener:
      return "{listener}";
    case Placeholder::Session:
      return "{session}";
    case Placeholder::Time:
      return "{time}";
    case Placeholder::Count:
      return "{count}";
    case Placeholder::Connections:
      return "{connections}";
    case Placeholder::Subject:
      return "{subject}";
  }
  return {};
}

// `{{` is a brace, so `{{message}}` names no placeholder.
std::size_t find_placeholder(std::string_view text, std::string_view spelled) {
  std::size_t i = 0;
  while (i < text.size() && !text.substr(i).starts_with(spelled)) {
    i += text.substr(i).starts_with("{{") ? 2 : 1;
  }
  return i;
}

std::optional<Mistake> template_mistake(std::string_view text,
                                        const std::vector<Placeholder>& senseless) {
  const auto parsed = protocol::Template::parse(text);
  if (!parsed) return Mistake{parsed.error().message, parsed.error().offset};
  for (const auto placeholder : senseless) {
    if (!parsed->uses(placeholder)) continue;
    const auto spelled = spelling(placeholder);
    return Mistake{fmt::format("{} has no value here", spelled), find_placeholder(text, spelled)};
  }
  return std::nullopt;
}

}  // namespace

config::Type<net::Endpoint> endpoint_type() {
  return parsed_text<net::Endpoint>(
      text_info("address", "an address such as 0.0.0.0:1935, \"[::]:1935\", unix:/path or fd:NAME",
                "^([0-9.]+:[0-9]{1,5}|\\[[0-9A-Fa-f:.]+\\]:[0-9]{1,5}|unix:/.+|fd:.+)$"),
      net::parse_endpoint);
}

config::Type<net::Cidr> cidr_type() {
  return parsed_text<net::Cidr>(
      text_info("CIDR", "a block of addresses such as 10.0.0.0/8 or \"2001:db8::/32\"",
                "^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$"),
      net::Cidr::parse);
}

config::Type<std::string> admin_address_type() {
  return checked_text(
      text_info("address",
                "an address such as 127.0.0.1:9464 or unix:/path, or \"\" for no endpoint",
                "^([0-9.]+:[0-9]{1,5}|\\[[0-9A-Fa-f:.]+\\]:[0-9]{1,5}|unix:/.+)?$"),
      [](std::string_view text) {
        if (text.empty()) return true;
        const auto endpoint = net::parse_endpoint(text);
        return endpoint && !std::holds_alternative<net::InheritedEndpoint>(*endpoint);
      });
}

config::Type<std::string> path_type() {
  return checked_text(text_info("path", "an absolute path, or \"\" for none", "^(/.+)?$"),
                      [](std::string_view text) { return text.empty() || text.starts_with('/'); });
}

config::Type<std::string> log_output_type() {
  return checked_text(text_info("text", "stderr, stdout, journald or file:/path",
                                "^(stderr|stdout|journald|file:/.+)$"),
                      [](std::string_view text) {
                        return text == "stderr" || text == "stdout" || text == "journald" ||
                               (text.starts_with("file:/") && text.size() > 6);
                      });
}

config::Type<std::string> quit_word_type() {
  auto info = text_info("text", "a word or words on one line", "^[^\\r\\n]+$");
  info.bytes_max = 256;
  info.bounds = "1 to 256 bytes on one line";
  return checked_text(info, [](std::string_view text) {
    return !text.empty() && text.find_first_of("\r\n") == text.npos;
  });
}

config::Type<TopConnectionsOptions::By> top_connections_by_type() {
  using By = TopConnectionsOptions::By;
  return config::choice<By>({{"received_bytes", By::ReceivedBytes},
                             {"sent_bytes", By::SentBytes},
                             {"messages", By::Messages}});
}

config::Type<std::string> template_type(std::size_t bytes_max, std::vector<Placeholder> senseless) {
  auto type = config::text(bytes_max);
  type.info.name = "template";
  type.parse = [plain = type.parse,
                senseless = std::move(senseless)](std::string_view text) -> Parsed<std::string> {
    if (auto mistake = template_mistake(text, senseless)) {
      return base::Unexpected{std::move(*mistake)};
    }
    return plain(text);
  };
  return type;
}

}  // namespace chatgate::service
