#include "router.h"

#include "json.h"
#include "status_page.h"

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

enum class Action : std::uint8_t {
  Greet,    // Tells nothing of anybody: for everyone.
  Scrape,   // Counts.
  Show,     // Clients, and the configuration.
  Control,  // Changes something.
};

/// One request, and what it may ask.
struct Call {
  const Request& request;
  Backend& backend;
  const ControlGuard& guard;
};

struct Route {
  std::string_view path;  // `{id}` stands for one segment.
  Action action;
  Response (*respond)(const Call&);
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

Response metrics(const Call& call) {
  return {200, "text/plain; version=0.0.4; charset=utf-8", call.backend.metrics(), {}};
}

Response livez(const Call& call) {
  const auto live = call.backend.live();
  return text_response(live.ok ? 200 : 503, live.text + '\n');
}

Response readyz(const Call& call) {
  const auto ready = call.backend.ready();
  return text_response(ready.ok ? 200 : 503, ready.state + '\n');
}

Response status(const Call& call) {
  auto json = to_json(call.backend.status());
  json["controls"] = call.guard.controls();
  return json_response(200, json);
}

Response show_page(const Call&) { return status_page(); }

base::Expected<ListText, std::string> read_list_text(std::string_view query) {
  ListText text;
  for (auto& [name, value] : parse_query_string(query)) {
    if (name == "sort") {
      text.sort = std::move(value);
    } else if (name == "filter") {
      text.filter += text.filter.empty() ? value : ',' + value;
    } else if (name == "limit") {
      text.limit = std::move(value);
    } else if (name == "offset") {
      text.offset = std::move(value);
    } else {
      return base::Unexpected{
          fmt::format("unknown parameter '{}'; a list takes sort, filter, limit and offset", name)};
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

Response connections(const Call& call) {
  const auto query = read_list_query(call.request, connection_columns(), "id");
  if (!query) return error_response(400, query.error());
  const auto list = call.backend.connections();
  return list_response("connections", table_of(list.rows), *query, list.complete);
}

Response closed_connections(const Call& call) {
  const auto query = read_list_query(call.request, closed_columns(), "-ended_at");
  if (!query) return error_response(400, query.error());
  const auto rows = call.backend.recently_closed();
  return list_response("closed", table_of(rows), *query, true);
}

Response sources(const Call& call) {
  const auto query = read_list_query(call.request, source_columns(), "-connections");
  if (!query) return error_response(400, query.error());
  const auto list = call.backend.connections();
  const auto rows = group_by_source(list.rows);
  return list_response("sources", table_of(rows), *query, list.complete);
}

Response config(const Call& call) { return json_response(200, to_json(call.backend.config())); }

std::optional<base::SessionId> parse_id(std::string_view path) {
  path.remove_prefix(std::string_view{"/connections/"}.size());
  const auto digits = path.substr(0, path.find('/'));
  base::SessionId id;
  const auto* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, id.value);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return id;
}

Response close_connection(const Call& call) {
  const auto id = parse_id(call.request.path);
  if (!id) return error_response(400, "an id is a number, as /connections lists them");
  bool abort = false;
  for (const auto& [name, value] : parse_query_string(call.request.query)) {
    if (name != "abort" || (value != "true" && value != "false")) {
      return error_response(400, "close takes abort=true or abort=false and nothing else");
    }
    abort = value == "true";
  }
  return to_response(call.backend.close_connection(*id, abort));
}

Response penalties(const Call& call) {
  const auto query = read_list_query(call.request, penalty_columns(), "-left");
  if (!query) return error_response(400, query.error());
  const auto rows = call.backend.penalties();
  return list_response("penalties", table_of(rows), *query, true);
}

Response forgive(const Call& call) {
  std::optional<net::IpAddress> source;
  for (const auto& [name, value] : parse_query_string(call.request.query)) {
    source = net::IpAddress::parse(value);
    if (name != "source" || !source) {
      return error_response(400, "say source=ADDRESS, or nothing to forgive all");
    }
  }
  return to_response(call.backend.forgive(source));
}

Response force_overload(const Call& call) { return to_response(call.backend.force_overload()); }
Response release_overload(const Call& call) { return to_response(call.backend.release_overload()); }

Response drain(const Call& call) { return to_response(call.backend.drain()); }
Response undrain(const Call& call) { return to_response(call.backend.undrain()); }

Response reload(const Call& call) {
  const auto result = call.backend.reload();
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

Response set_log_level(const Call& call) {
  using telemetry::LogLevel;
  constexpr std::array kLevels{std::pair{std::string_view{"trace"}, LogLevel::Trace},
                               std::pair{std::string_view{"debug"}, LogLevel::Debug},
                               std::pair{std::string_view{"info"}, LogLevel::Info},
                               std::pair{std::string_view{"warn"}, LogLevel::Warn},
                               std::pair{std::string_view{"error"}, LogLevel::Error}};
  const auto wanted = read_level(call.request);
  for (const auto& [name, level] : kLevels) {
    if (name == wanted) return to_response(call.backend.set_log_level(level));
  }
  return error_response(400, "say level=trace, debug, info, warn or error");
}

Response help(const Call&);

constexpr std::array kRoutes{
    Route{"/", Action::Greet, show_page, "the status page"},
    Route{"/help", Action::Greet, help, "this text"},
    Route{"/metrics", Action::Scrape, metrics, "Prometheus metrics"},
    Route{"/livez", Action::Greet, livez, "200 while every thread advances"},
    Route{"/readyz", Action::Greet, readyz, "200 while new clients are welcome"},
    Route{"/status", Action::Show, status, "the gateway at a glance"},
    Route{"/connections", Action::Show, connections,
          "open sessions, ?sort=-age&filter=listener=public,source=10.0.0.0/8,idle>5m&limit=100"},
    Route{"/connections/closed", Action::Show, closed_connections,
          "sessions that ended, ?filter=reason=idle_timeout"},
    Route{"/sources", Action::Show, sources, "open sessions by address, ?sort=-messages"},
    Route{"/config", Action::Show, config, "the configuration in force, and its origins"},
    Route{"/connections/{id}/close", Action::Control, close_connection,
          "ends one session, ?abort=true by a reset"},
    Route{"/penalties", Action::Show, penalties,
          "sources that pay for what their clients did, ?filter=refused=true"},
    Route{"/penalties/forgive", Action::Control, forgive,
          "forgets them, of all or of ?source=192.0.2.1"},
    Route{"/overload/force", Action::Control, force_overload,
          "defends the gateway as if places had run out, until it is released"},
    Route{"/overload/release", Action::Control, release_overload, "ends what was forced"},
    Route{"/drain", Action::Control, drain, "starts the graceful shutdown"},
    Route{"/undrain", Action::Control, undrain, "takes it back, until the listeners close"},
    Route{"/reload", Action::Control, reload, "reads the configuration again"},
    Route{"/log-level", Action::Control, set_log_level, "?level=trace, debug, info, warn or error"},
};

std::string help_text() {
  std::string text = "chatgate admin endpoint\n\n";
  for (const auto& [path, action, ignored, help] : kRoutes) {
    text +=
        fmt::format("{:<4} {:<24} {}\n", action == Action::Control ? "POST" : "GET", path, help);
  }
  return text;
}

Response help(const Call&) { return text_response(200, help_text()); }

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

std::optional<Response> refuse(Action action, const Request& request, const ControlGuard& guard) {
  switch (action) {
    case Action::Greet:
      return std::nullopt;
    case Action::Scrape:
      return guard.refuse_scrape(request);
    case Action::Show:
      return guard.refuse_view(request);
    case Action::Control:
      return guard.refuse_control(request);
  }
  CHATGATE_ASSERT(false);
}

}  // namespace

Response respond(const Request& request, Backend& backend, const ControlGuard& guard) {
  const auto route = std::ranges::find_if(
      kRoutes, [&](const Route& one) { return matches(one.path, request.path); });
  if (route == kRoutes.end()) return text_response(404, "no such path\n\n" + help_text());
  if (!allows(route->action, request.method)) return refuse_method(route->action);
  if (auto refusal = refuse(route->action, request, guard)) return *std::move(refusal);
  return route->respond({request, backend, guard});
}

}  // namespace chatgate::admin
