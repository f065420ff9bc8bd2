#include "time_text.h"

#include <array>
#include <map>

#include <chatgate/admin/list_tables.h>

namespace chatgate::admin {
namespace {

template <class Row>
struct ColumnOf {
  Column column;
  Cell (*cell)(const Row&);
};

constexpr std::array kConnectionColumns{
    ColumnOf<ConnectionRow>{{"id", CellKind::Count},
                            [](auto& row) -> Cell { return row.id.value; }},
    ColumnOf<ConnectionRow>{{"listener", CellKind::Text},
                            [](auto& row) -> Cell { return std::string{row.listener}; }},
    ColumnOf<ConnectionRow>{{"peer", CellKind::Peer}, [](auto& row) -> Cell { return row.peer; }},
    ColumnOf<ConnectionRow>{{"worker", CellKind::Count},
                            [](auto& row) -> Cell { return std::uint64_t{row.worker}; }},
    ColumnOf<ConnectionRow>{{"state", CellKind::Text},
                            [](auto& row) -> Cell { return std::string{row.state}; }},
    ColumnOf<ConnectionRow>{{"age", CellKind::Measure},
                            [](auto& row) -> Cell { return to_seconds(row.age); }},
    ColumnOf<ConnectionRow>{{"idle", CellKind::Measure},
                            [](auto& row) -> Cell { return to_seconds(row.idle); }},
    ColumnOf<ConnectionRow>{{"messages", CellKind::Count},
                            [](auto& row) -> Cell { return row.messages; }},
    ColumnOf<ConnectionRow>{{"received_bytes", CellKind::Count},
                            [](auto& row) -> Cell { return row.received_bytes; }},
    ColumnOf<ConnectionRow>{{"sent_bytes", CellKind::Count},
                            [](auto& row) -> Cell { return row.sent_bytes; }},
    ColumnOf<ConnectionRow>{{"output_bytes", CellKind::Count},
                            [](auto& row) -> Cell { return row.output_bytes; }},
    ColumnOf<ConnectionRow>{{"tls", CellKind::Flag}, [](auto& row) -> Cell { return row.tls; }},
    ColumnOf<ConnectionRow>{{"telnet", CellKind::Flag},
                            [](auto& row) -> Cell { return row.telnet; }},
};

// A time of fixed width sorts and compares as text.
constexpr std::array kClosedColumns{
    ColumnOf<ClosedRow>{{"id", CellKind::Count}, [](auto& row) -> Cell { return row.id.value; }},
    ColumnOf<ClosedRow>{{"listener", CellKind::Text},
                        [](auto& row) -> Cell { return row.listener; }},
    ColumnOf<ClosedRow>{{"peer", CellKind::Peer}, [](auto& row) -> Cell { return row.peer; }},
    ColumnOf<ClosedRow>{{"reason", CellKind::Text}, [](auto& row) -> Cell { return row.reason; }},
    ColumnOf<ClosedRow>{{"ended_at", CellKind::Text},
                        [](auto& row) -> Cell { return to_rfc3339(row.ended_at); }},
    ColumnOf<ClosedRow>{{"duration", CellKind::Measure},
                        [](auto& row) -> Cell { return to_seconds(row.duration); }},
    ColumnOf<ClosedRow>{{"messages", CellKind::Count},
                        [](auto& row) -> Cell { return row.messages; }},
    ColumnOf<ClosedRow>{{"received_bytes", CellKind::Count},
                        [](auto& row) -> Cell { return row.received_bytes; }},
    ColumnOf<ClosedRow>{{"sent_bytes", CellKind::Count},
                        [](auto& row) -> Cell { return row.sent_bytes; }},
};

constexpr std::array kSourceColumns{
    ColumnOf<SourceRow>{{"source", CellKind::Text},
                        [](auto& row) -> Cell { return to_text(row.source); }},
    ColumnOf<SourceRow>{{"connections", CellKind::Count},
                        [](auto& row) -> Cell { return row.connections; }},
    ColumnOf<SourceRow>{{"messages", CellKind::Count},
                        [](auto& row) -> Cell { return row.messages; }},
    ColumnOf<SourceRow>{{"received_bytes", CellKind::Count},
                        [](auto& row) -> Cell { return row.received_bytes; }},
    ColumnOf<SourceRow>{{"sent_bytes", CellKind::Count},
                        [](auto& row) -> Cell { return row.sent_bytes; }},
    ColumnOf<SourceRow>{{"output_bytes", CellKind::Count},
                        [](auto& row) -> Cell { return row.output_bytes; }},
};

constexpr std::array kPenaltyColumns{
    ColumnOf<PenaltyRow>{{"source", CellKind::Text}, [](auto& row) -> Cell { return row.source; }},
    ColumnOf<PenaltyRow>{{"left", CellKind::Measure},
                         [](auto& row) -> Cell { return to_seconds(row.left); }},
    ColumnOf<PenaltyRow>{{"refused", CellKind::Flag},
                         [](auto& row) -> Cell { return row.refused; }},
    ColumnOf<PenaltyRow>{{"connections", CellKind::Count},
                         [](auto& row) -> Cell { return row.connections; }},
};

template <class Row, std::size_t Count>
constexpr std::array<Column, Count> names_of(const std::array<ColumnOf<Row>, Count>& columns) {
  std::array<Column, Count> names;
  for (std::size_t i = 0; i < Count; ++i) names[i] = columns[i].column;
  return names;
}

constexpr auto kConnectionNames = names_of(kConnectionColumns);
constexpr auto kClosedNames = names_of(kClosedColumns);
constexpr auto kSourceNames = names_of(kSourceColumns);
constexpr auto kPenaltyNames = names_of(kPenaltyColumns);

}  // namespace

std::span<const Column> connection_columns() noexcept { return kConnectionNames; }
std::span<const Column> closed_columns() noexcept { return kClosedNames; }
std::span<const Column> source_columns() noexcept { return kSourceNames; }
std::span<const Column> penalty_columns() noexcept { return kPenaltyNames; }

std::vector<SourceRow> group_by_source(const std::vector<ConnectionRow>& rows) {
  std::map<net::IpAddress, SourceRow> sources;
  for (const auto& row : rows) {
    auto& source = sources[row.peer.ip];
    source.source = row.peer.ip;
    ++source.connections;
    source.messages += row.messages;
    source.received_bytes += row.received_bytes;
    source.sent_bytes += row.sent_bytes;
    source.output_bytes += row.output_bytes;
  }
  std::vector<SourceRow> grouped;
  grouped.reserve(sources.size());
  for (const auto& [ip, source] : sources) grouped.push_back(source);
  return grouped;
}

Table table_of(const std::vector<ConnectionRow>& rows) {
  return {kConnectionNames, rows.size(), [&rows](std::size_t row, std::size_t column) {
            return kConnectionColumns[column].cell(rows[row]);
          }};
}

Table table_of(const std::vector<ClosedRow>& rows) {
  return {kClosedNames, rows.size(), [&rows](std::size_t row, std::size_t column) {
            return kClosedColumns[column].cell(rows[row]);
          }};
}

Table table_of(const std::vector<SourceRow>& rows) {
  return {kSourceNames, rows.size(), [&rows](std::size_t row, std::size_t column) {
            return kSourceColumns[column].cell(rows[row]);
          }};
}

Table table_of(const std::vector<PenaltyRow>& rows) {
  return {kPenaltyNames, rows.size(), [&rows](std::size_t row, std::size_t column) {
            return kPenaltyColumns[column].cell(rows[row]);
          }};
}

}  // namespace chatgate::admin
