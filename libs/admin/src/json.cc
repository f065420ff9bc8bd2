#include "json.h"

#include "time_text.h"

namespace chatgate::admin {
namespace {

// A client's bytes may stand in any text; what is no UTF-8 must not make dump() throw.
std::string dump(const Json& content, int indent) {
  return content.dump(indent, ' ', false, Json::error_handler_t::replace);
}

struct CellWriter {
  Json operator()(const net::PeerAddress& peer) const { return net::to_text(peer); }
  Json operator()(const auto& value) const { return value; }
};

Json row_json(const Table& table, std::size_t row) {
  Json json = Json::object();
  for (std::size_t column = 0; column < table.columns.size(); ++column) {
    json[std::string{table.columns[column].name}] =
        std::visit(CellWriter{}, table.cell(row, column));
  }
  return json;
}

Json last_reload_json(const std::optional<LastReload>& last) {
  if (!last) return nullptr;
  Json json = to_json(last->result);
  json["at"] = to_rfc3339(last->at);
  return json;
}

Json listeners_json(const std::vector<ListenerStatus>& listeners) {
  Json json = Json::array();
  for (const auto& [name, address, open, limit] : listeners) {
    json.push_back({{"name", name}, {"address", address}, {"open", open}, {"limit", limit}});
  }
  return json;
}

Json workers_json(const std::vector<WorkerStatus>& workers) {
  Json json = Json::array();
  for (const auto& [index, connections, busy_ratio] : workers) {
    json.push_back({{"worker", index}, {"connections", connections}, {"busy_ratio", busy_ratio}});
  }
  return json;
}

}  // namespace

Response json_response(int status, const Json& content) {
  return {status, "application/json", dump(content, 2) + '\n', {}};
}

Json to_json(const ReloadResult& result) {
  return {{"outcome", to_token(result.outcome)}, {"keys", result.keys}, {"errors", result.errors}};
}

Json to_json(const StatusReport& report) {
  return {{"version", report.version},
          {"pid", report.pid},
          {"started_at", to_rfc3339(report.started_at)},
          {"uptime_seconds", to_seconds(report.uptime)},
          {"state", report.state},
          {"drain_phase", report.drain_phase},
          {"overload",
           {{"level", report.overload.level},
            {"cause", report.overload.cause},
            {"memory_used", report.overload.memory_used},
            {"memory_budget", report.overload.memory_budget}}},
          {"connections",
           {{"open", report.connections_open},
            {"limit", report.connections_limit},
            {"accepted_total", report.accepted_total},
            {"rejected_total", report.rejected_total},
            {"closed_total", report.closed_total}}},
          {"listeners", listeners_json(report.listeners)},
          {"workers", workers_json(report.workers)},
          {"config",
           {{"file", report.config_file}, {"last_reload", last_reload_json(report.last_reload)}}}};
}

Json to_json(const std::vector<ConfigValue>& values) {
  Json rows = Json::array();
  for (const auto& [path, value, origin] : values) {
    rows.push_back({{"path", path}, {"value", value}, {"origin", origin}});
  }
  return {{"config", std::move(rows)}};
}

std::string list_json(std::string_view name, const Table& table, const Selection& selection,
                      bool complete) {
  std::string text = "{\"";
  text += name;
  text += "\": [";
  std::string_view separator = "\n";
  for (const auto row : selection.rows) {
    text += separator;
    text += dump(row_json(table, row), -1);
    separator = ",\n";
  }
  const Json counts{
      {"shown", selection.rows.size()}, {"matched", selection.matched}, {"complete", complete}};
  return text + "\n], " + dump(counts, -1).substr(1) + '\n';
}

}  // namespace chatgate::admin
