#include "router.h"

#include "json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <span>
#include <utility>

#include <fmt/format.h>

#include <chatgate/admin/list_tables.h>
#include <chatgate/base/assert.h>

namespace chatgate::admin {
namespace {

enum class Action : std::uint8_t { Show, Control };

struct Route {
  std::string_view path;  // `{id}` stands for one segment.
  Action action;
  Response (*respond)(const Request&, Backend&);
  std::string_view help;
};

Response to_response(const ControlResult& result) {
  switch (result.outcome) {
    case ControlResult::Outcome::Done:
      return json_response(200, {{"result", result.text}});
    case ControlResult::Outcome::NotFound:
      return error_response(404, result.text);
    case ControlResult::Outcome::Refused:
      return error_response(409, result.text);
    case ControlResult::Outcome::Unavailable:
      return error_response(503, result.text);
  }
  CHATGATE_ASSERT(false);
}

Response metrics(const Request&, Backend& backend) {
  return {200, "text/plain; version=0.0.4; charset=utf-8", backend.metrics(), {}};
}

Response livez(const Request&, Backend& backend) {
  const auto live = backend.live();
  return text_response(live.ok ? 200 : 503, live.text + '\n');
}

Response readyz(const Request&, Backend& backend) {
  const auto ready = backend.ready();
  return text_response(ready.ok ? 200 : 503, ready.state + '\n');
}

Response status(const Request&, Backend& backend) {
  return json_response(200, to_json(backend.status()));
}

base::Expected<ListText, std::string> read_list_text(std::string_view query) {
  ListText text;
  for (auto& [name, value] : parse_query_string(query)) {
    if (name == "sort") {
      text.sort = std::move(value);
    } else if (name == "filter") {
      text.filter += text.filter.empty() ? value : ',' + value;
    } else if (name == "limit") {
      text.limit = std::move(value);
    } else {
      return base::Unexpected{
          fmt::format("unknown parameter '{}'; a list takes sort, filter and limit", name)};
    }
  }
  return text;
}

base::Expected<ListQuery, std::string> read_list_query(const Request& request,
                                                       std::span<const Column> columns,
                                                       std::string_view default_sort) {
  auto text = read_list_text(request.query);
  if (!text) return base::Unexpected{text.error()};
  if (text->sort.empty()) text->sort = default_sort;
  return parse_list_query(*text, columns);
}

Response list_response(std::string_view name, const Table& table, const ListQuery& query,
                       bool complete) {
  return {200, "application/json", list_json(name, table, select_rows(query, table), complete), {}};
}

Response connections(const Request& request, Backend& backend) {
  const auto query = read_list_query(request, connection_columns(), "id");
  if (!query) return error_response(400, query.error());
  const auto list = backend.connections();
  return list_response("connections", table_of(list.rows), *query, list.complete);
}

Response closed_connections(const Request& request, Backend& backend) {
  const auto query = read_list_query(request, closed_columns(), "-ended_at");
  if (!query) return error_response(400, query.error());
  const auto rows = backend.recently_closed();
  return list_response("closed", table_of(rows), *query, true);
}

std::optional<base::SessionId> parse_id(std::string_view path) {
  path.remove_prefix(std::string_view{"/connections/"}.size());
  const auto digits = path.substr(0, path.find('/'));
  base::SessionId id;
  const auto* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, id.value);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return id;
}

Response close_connection(const Request& request, Backend& backend) {
  const auto id = parse_id(request.path);
  if (!id) return error_response(400, "an id is a number, as /connections lists them");
  bool abort = false;
  for (const auto& [name, value] : parse_query_string(request.query)) {
    if (name != "abort" || (value != "true" && value != "false")) {
      return error_response(400, "close takes abort=true or abort=false and nothing else");
    }
    abort = value == "true";
  }
  return to_response(backend.close_connection(*id, abort));
}

Response drain(const Request&, Backend& backend) { return to_response(backend.drain()); }
Response undrain(const Request&, Backend& backend) { return to_response(backend.undrain()); }

Response reload(const Request&, Backend& backend) {
  const auto result = backend.reload();
  auto json = to_json(result);
  switch (result.outcome) {
    case ReloadResult::Outcome::Applied:
    case ReloadResult::Outcome::Unchanged:
      return json_response(200, json);
    case ReloadResult::Outcome::Rejected:
      json["error"] = "the file has mistakes; nothing was applied";
      return json_response(422, json);
    case ReloadResult::Outcome::RequiresRestart:
      json["error"] = "these keys take effect at a restart only; nothing was applied";
      return json_response(409, json);
  }
  CHATGATE_ASSERT(false);
}

// From `?level=debug`, or from a body that says `level=debug` or just `debug`.
std::string read_level(const Request& request) {
  const auto text = request.query.empty() ? request.body : request.query;
  const auto parameters = parse_query_string(text.substr(0, text.find_first_of("\r\n")));
  if (parameters.size() != 1) return {};
  const auto& [name, value] = parameters.front();
  return name == "level" ? value : name;
}

Response set_log_level(const Request& request, Backend& backend) {
  using telemetry::LogLevel;
  constexpr std::array kLevels{std::pair{std::string_view{"trace"}, LogLevel::Trace},
                               std::pair{std::string_view{"debug"}, LogLevel::Debug},
                               std::pair{std::string_view{"info"}, LogLevel::Info},
                               std::pair{std::string_view{"warn"}, LogLevel::Warn},
                               std::pair{std::string_view{"error"}, LogLevel::Error}};
  const auto wanted = read_level(request);
  for (const auto& [name, level] : kLevels) {
    if (name == wanted) return to_response(backend.set_log_level(level));
  }
  return error_response(400, "say level=trace, debug, info, warn or error");
}

Response index(const Request&, Backend&);

constexpr std::array kRoutes{
    Route{"/", Action::Show, index, "this text"},
    Route{"/metrics", Action::Show, metrics, "Prometheus metrics"},
    Route{"/livez", Action::Show, livez, "200 while every thread advances"},
    Route{"/readyz", Action::Show, readyz, "200 while new clients are welcome"},
    Route{"/status", Action::Show, status, "the gateway at a glance"},
    Route{"/connections", Action::Show, connections,
          "open sessions, ?sort=-age&filter=listener=public,peer=10.0.0.0/8,idle>60&limit=100"},
    Route{"/connections/closed", Action::Show, closed_connections,
          "sessions that ended, ?filter=reason=idle_timeout"},
    Route{"/connections/{id}/close", Action::Control, close_connection,
          "ends one session, ?abort=true by a reset"},
    Route{"/drain", Action::Control, drain, "starts the graceful shutdown"},
    Route{"/undrain", Action::Control, undrain, "takes it back, until the listeners close"},
    Route{"/reload", Action::Control, reload, "reads the configuration again"},
    Route{"/log-level", Action::Control, set_log_level, "?level=trace, debug, info, warn or error"},
};

std::string index_text() {
  std::string text = "chatgate admin endpoint\n\n";
  for (const auto& [path, action, ignored, help] : kRoutes) {
    text += fmt::format("{:<4} {:<24} {}\n", action == Action::Show ? "GET" : "POST", path, help);
  }
  return text;
}

Response index(const Request&, Backend&) { return text_response(200, index_text()); }

bool matches(std::string_view pattern, std::string_view path) {
  const auto open = pattern.find("{id}");
  if (open == pattern.npos) return pattern == path;
  const auto before = pattern.substr(0, open);
  const auto after = pattern.substr(open + 4);
  if (path.size() <= before.size() + after.size()) return false;
  const auto id = path.substr(before.size(), path.size() - before.size() - after.size());
  return path.starts_with(before) && path.ends_with(after) && id.find('/') == id.npos;
}

bool allows(Action action, std::string_view method) {
  if (action == Action::Control) return method == "POST";
  return method == "GET" || method == "HEAD";
}

Response refuse_method(Action action) {
  const std::string allowed = action == Action::Control ? "POST" : "GET, HEAD";
  auto refusal = error_response(405, "this path takes " + allowed);
  refusal.headers.emplace_back("Allow", allowed);
  return refusal;
}

}  // namespace

Response respond(const Request& request, Backend& backend, const ControlGuard& guard) {
  const auto route = std::ranges::find_if(
      kRoutes, [&](const Route& one) { return matches(one.path, request.path); });
  if (route == kRoutes.end()) return text_response(404, "no such path\n\n" + index_text());
  if (!allows(route->action, request.method)) return refuse_method(route->action);
  if (route->action == Action::Control) {
    if (auto refusal = guard.refuse(request)) return *std::move(refusal);
  }
  return route->respond(request, backend);
}

}  // namespace chatgate::admin
