#include "document.h"

#include <vector>

#include <fmt/format.h>

#include <chatgate/ctl/reports.h>
#include <chatgate/ctl/text_table.h>
#include <chatgate/telemetry/printable_text.h>

namespace chatgate::ctl {
namespace {

using Side = TextColumn::Side;
using Rows = std::vector<std::vector<std::string>>;

constexpr double kMebibyte = 1 << 20;

std::string shown_of_all(const Json& list) {
  std::string text;
  const auto shown = whole(list, "shown");
  const auto matched = whole(list, "matched");
  if (shown < matched)
    text += fmt::format("{} of {} shown; --limit tells how many\n", shown, matched);
  if (member(list, "complete") == false) {
    text += "a worker did not answer in time: its sessions are missing\n";
  }
  return text;
}

std::string share(double part, double all) {
  return all > 0 ? fmt::format(" ({:.0f} %)", 100 * part / all) : "";
}

void add_overload(const Json& status, Rows& rows) {
  const auto& overload = member(status, "overload");
  const auto budget = number(overload, "memory_budget");
  if (budget > 0) {
    const auto used = number(overload, "memory_used");
    rows.push_back({"memory", fmt::format("{:.1f} MiB of {:.1f} MiB{}", used / kMebibyte,
                                          budget / kMebibyte, share(used, budget))});
  }
  if (number(overload, "level") > 0) {
    rows.push_back({"overload", fmt::format("level {} of 2, because of {}", text(overload, "level"),
                                            text(overload, "cause"))});
  }
}

void add_config(const Json& status, Rows& rows) {
  const auto& config = member(status, "config");
  const auto& reload = member(config, "last_reload");
  auto line = text(config, "file");
  if (reload.is_object()) {
    line += fmt::format(", last reload {} at {}", text(reload, "outcome"), text(reload, "at"));
  }
  rows.push_back({"config", line});
  for (const auto& error : member(reload, "errors")) {
    if (error.is_string()) rows.push_back({"", error.get<std::string>()});
  }
}

}  // namespace

std::string status_text(std::string_view json) {
  const auto status = parse_json(json);
  const auto& connections = member(status, "connections");
  const auto open = number(connections, "open");
  const auto limit = number(connections, "limit");
  Rows rows{{"state", fmt::format("{}, up {}", text(status, "state"),
                                  short_seconds(number(status, "uptime_seconds")))},
            {"version", fmt::format("{}, pid {}", text(status, "version"), text(status, "pid"))},
            {"open", fmt::format("{} of {}{}", text(connections, "open"),
                                 text(connections, "limit"), share(open, limit))},
            {"since start",
             fmt::format("{} accepted, {} refused, {} closed", text(connections, "accepted_total"),
                         text(connections, "rejected_total"), text(connections, "closed_total"))}};
  if (number(status, "drain_phase") > 0) {
    rows.push_back({"drain", "phase " + text(status, "drain_phase") + " of 5"});
  }
  add_overload(status, rows);
  for (const auto& listener : member(status, "listeners")) {
    rows.push_back({"listener", fmt::format("{} at {}: {} of {}", text(listener, "name"),
                                            text(listener, "address"), text(listener, "open"),
                                            text(listener, "limit"))});
  }
  for (const auto& worker : member(status, "workers")) {
    rows.push_back(
        {"worker", fmt::format("{}: {} sessions, {:.0f} % busy", text(worker, "worker"),
                               text(worker, "connections"), 100 * number(worker, "busy_ratio"))});
  }
  add_config(status, rows);
  std::string text;
  for (const auto& row : rows) {
    text += fit(row[0], 13, Side::Left) + telemetry::printable_text(row[1]) + '\n';
  }
  return text;
}

std::string connections_text(std::string_view json) {
  const auto list = parse_json(json);
  Rows rows;
  for (const auto& row : member(list, "connections")) {
    rows.push_back(
        {text(row, "id"), text(row, "peer"), text(row, "listener"), text(row, "state"),
         short_seconds(number(row, "age")), short_seconds(number(row, "idle")),
         short_count(number(row, "messages")), short_count(number(row, "received_bytes")),
         short_count(number(row, "sent_bytes")), short_count(number(row, "output_bytes"))});
  }
  const auto table = text_table({{"ID", Side::Right},
                                 {"PEER"},
                                 {"LISTENER"},
                                 {"STATE"},
                                 {"AGE", Side::Right},
                                 {"IDLE", Side::Right},
                                 {"MESSAGES", Side::Right},
                                 {"RECEIVED", Side::Right},
                                 {"SENT", Side::Right},
                                 {"WAITING", Side::Right}},
                                rows);
  return table + shown_of_all(list);
}

std::string closed_text(std::string_view json) {
  const auto list = parse_json(json);
  Rows rows;
  for (const auto& row : member(list, "closed")) {
    rows.push_back({text(row, "id"), text(row, "peer"), text(row, "listener"), text(row, "reason"),
                    text(row, "ended_at"), short_seconds(number(row, "duration")),
                    short_count(number(row, "messages")),
                    short_count(number(row, "received_bytes")),
                    short_count(number(row, "sent_bytes"))});
  }
  const auto table = text_table({{"ID", Side::Right},
                                 {"PEER"},
                                 {"LISTENER"},
                                 {"REASON"},
                                 {"ENDED"},
                                 {"LASTED", Side::Right},
                                 {"MESSAGES", Side::Right},
                                 {"RECEIVED", Side::Right},
                                 {"SENT", Side::Right}},
                                rows);
  return table + shown_of_all(list);
}

std::string penalties_text(std::string_view json) {
  const auto list = parse_json(json);
  Rows rows;
  for (const auto& row : member(list, "penalties")) {
    rows.push_back({text(row, "source"), short_seconds(number(row, "left")),
                    member(row, "refused") == true ? "yes" : "no", text(row, "connections")});
  }
  const auto table = text_table(
      {{"SOURCE"}, {"LEFT", Side::Right}, {"REFUSED"}, {"CONNECTIONS", Side::Right}}, rows);
  return table + shown_of_all(list);
}

std::string reload_text(std::string_view json) {
  const auto result = parse_json(json);
  std::string lines = telemetry::printable_text(text(result, "outcome")) + '\n';
  for (const auto* const part : {"keys", "errors"}) {
    for (const auto& line : member(result, part)) {
      if (!line.is_string()) continue;
      lines += fmt::format("  {}\n", telemetry::printable_text(line.get<std::string>()));
    }
  }
  return lines;
}

std::string result_text(std::string_view json) {
  return telemetry::printable_text(text(parse_json(json), "result")) + '\n';
}

}  // namespace chatgate::ctl
