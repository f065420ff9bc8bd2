#include "document.h"

#include <algorithm>

#include <fmt/format.h>

#include <chatgate/ctl/text_table.h>
#include <chatgate/ctl/top_frame.h>
#include <chatgate/telemetry/printable_text.h>

namespace chatgate::ctl {
namespace {

using Side = TextColumn::Side;

struct Field {
  const char* column;
  std::string_view title;
  std::size_t width;
  Side side;
  std::string (*cell)(const Json& row, const char* column);
};

std::string as_text(const Json& row, const char* column) { return text(row, column); }
std::string as_time(const Json& row, const char* column) {
  return short_seconds(number(row, column));
}
std::string as_count(const Json& row, const char* column) {
  return short_count(number(row, column));
}

// 79 characters with the blanks between: a terminal may wrap after the eightieth.
constexpr std::array kFields{Field{"id", "ID", 9, Side::Right, as_text},
                             Field{"peer", "PEER", 22, Side::Left, as_text},
                             Field{"listener", "LISTENER", 8, Side::Left, as_text},
                             Field{"age", "AGE", 6, Side::Right, as_time},
                             Field{"idle", "IDLE", 6, Side::Right, as_time},
                             Field{"messages", "MSGS", 5, Side::Right, as_count},
                             Field{"received_bytes", "RECV", 5, Side::Right, as_count},
                             Field{"sent_bytes", "SENT", 5, Side::Right, as_count},
                             Field{"output_bytes", "WAIT", 5, Side::Right, as_count}};

class Rates {
 public:
  Rates(const TopSample& before, const TopSample& now)
      : before_{before},
        now_{now},
        seconds_{std::chrono::duration<double>{now.at - before.at}.count()} {}

  std::string of(std::string_view metric) const {
    if (seconds_ <= 0) return "-";
    const auto grown = now_.scrape.sum(metric) - before_.scrape.sum(metric);
    return short_count(std::max(0.0, grown) / seconds_) + "/s";
  }

  // Of the replies since the last sample.
  std::string reply_delay(double share) const {
    constexpr std::string_view kDelay = "chatgate_reply_delay_seconds";
    const auto bound = quantile(before_.scrape.buckets(kDelay), now_.scrape.buckets(kDelay), share);
    if (bound < 0) return "-";
    return bound < 0.001 ? fmt::format("<{:.0f}us", bound * 1e6)
                         : fmt::format("<{:.3g}ms", bound * 1e3);
  }

 private:
  const TopSample& before_;
  const TopSample& now_;
  const double seconds_;
};

std::string workers_line(const Json& status) {
  std::string line = "workers ";
  for (const auto& worker : member(status, "workers")) {
    line +=
        fmt::format("  {}: {} {:.0f}%", text(worker, "worker"),
                    short_count(number(worker, "connections")), 100 * number(worker, "busy_ratio"));
  }
  return line;
}

// The column that sorts has an arrow.
std::string title_line(std::string_view sort) {
  const bool falls = sort.starts_with('-');
  if (falls) sort.remove_prefix(1);
  std::string line;
  for (const auto& field : kFields) {
    if (!line.empty()) line += ' ';
    const auto* const arrow = sort != field.column ? "" : falls ? "v" : "^";
    line += fit(arrow + std::string{field.title}, field.width, field.side);
  }
  return line;
}

std::string keys_line() {
  std::string line = "sort:";
  for (const auto& [key, column, word] : kSortKeys) line += fmt::format(" {}={}", key, word);
  return line + "  again=reverse  q=quit";
}

std::string session_line(const Json& row) {
  std::string line;
  for (const auto& field : kFields) {
    if (!line.empty()) line += ' ';
    line += fit(telemetry::printable_text(field.cell(row, field.column)), field.width, field.side);
  }
  return line;
}

}  // namespace

std::vector<std::string> top_frame(const TopSample& before, const TopSample& now,
                                   std::string_view sort, std::string_view trouble,
                                   std::size_t rows, std::size_t columns) {
  const auto status = parse_json(now.status);
  const auto& connections = member(status, "connections");
  const Rates rates{before, now};
  std::vector<std::string> lines{
      fmt::format("chatgate {}, pid {}: {}, up {}", text(status, "version"), text(status, "pid"),
                  text(status, "state"), short_seconds(number(status, "uptime_seconds"))),
      fmt::format("open {} of {}   accepted {}  refused {}  closed {}", text(connections, "open"),
                  text(connections, "limit"), rates.of("chatgate_connections_accepted_total"),
                  rates.of("chatgate_connections_rejected_total"),
                  rates.of("chatgate_connections_closed_total")),
      fmt::format("messages {}  in {}  out {}  reply p50 {} p99 {}",
                  rates.of("chatgate_messages_received_total"),
                  rates.of("chatgate_received_bytes_total"), rates.of("chatgate_sent_bytes_total"),
                  rates.reply_delay(0.5), rates.reply_delay(0.99)),
      workers_line(status),
      telemetry::printable_text(trouble),
      title_line(sort)};
  const auto list = parse_json(now.connections);
  for (const auto& row : member(list, "connections")) {
    if (lines.size() + 1 >= rows) break;
    lines.push_back(session_line(row));
  }
  lines.resize(std::max<std::size_t>(rows, 1) - 1);
  if (rows > 0) lines.push_back(keys_line());
  for (auto& line : lines) line = fit(line, columns, Side::Left);
  return lines;
}

}  // namespace chatgate::ctl
