#include "fake_backend.h"

#include <map>
#include <ostream>

#include <gtest/gtest.h>

#include <chatgate/admin/list_tables.h>

namespace chatgate::admin {
namespace {

using namespace std::chrono_literals;

// The kinds are what the parser promises to the matcher.
void expect_kinds_to_hold(const Table& table) {
  ASSERT_EQ(table.rows, 1U);
  for (std::size_t column = 0; column < table.columns.size(); ++column) {
    EXPECT_EQ(table.cell(0, column).index(), static_cast<std::size_t>(table.columns[column].kind))
        << table.columns[column].name;
  }
}

std::map<std::string_view, Cell> cells_of(const Table& table) {
  std::map<std::string_view, Cell> cells;
  for (std::size_t column = 0; column < table.columns.size(); ++column) {
    cells[table.columns[column].name] = table.cell(0, column);
  }
  return cells;
}

TEST(ListTablesTest, CellsAreOfTheKindThatTheirColumnSays) {
  const std::vector<ConnectionRow> open(1);
  const std::vector<ClosedRow> closed(1);
  expect_kinds_to_hold(table_of(open));
  const std::vector<SourceRow> sources(1);
  expect_kinds_to_hold(table_of(closed));
  expect_kinds_to_hold(table_of(sources));
}

TEST(ListTablesTest, GroupsSessionsByTheirAddress) {
  std::vector<ConnectionRow> rows{make_row(1, "10.0.0.2"), make_row(2, "10.0.0.1"),
                                  make_row(3, "10.0.0.2")};
  rows[0].messages = 5;
  rows[2].messages = 2;
  rows[2].peer.port = 9;
  const auto sources = group_by_source(rows);
  ASSERT_EQ(sources.size(), 2U);
  EXPECT_EQ(sources[0].connections, 1U);
  EXPECT_EQ(net::to_text(sources[1].source), "10.0.0.2");
  EXPECT_EQ(sources[1].connections, 2U);
  EXPECT_EQ(sources[1].messages, 7U);
}

TEST(ListTablesTest, ShowEachFieldOfAConnection) {
  auto row = make_row(7, "10.0.0.1");
  row.worker = 3;
  row.age = 1234567us;
  row.idle = 500ms;
  row.messages = 11;
  row.received_bytes = 12;
  row.sent_bytes = 13;
  row.output_bytes = 14;
  row.telnet = true;
  const std::vector rows{row};
  const std::map<std::string_view, Cell> expected{
      {"id", std::uint64_t{7}},
      {"listener", std::string{"public"}},
      {"peer", row.peer},
      {"worker", std::uint64_t{3}},
      {"state", std::string{"reading"}},
      {"age", 1.235},
      {"idle", 0.5},
      {"messages", std::uint64_t{11}},
      {"received_bytes", std::uint64_t{12}},
      {"sent_bytes", std::uint64_t{13}},
      {"output_bytes", std::uint64_t{14}},
      {"tls", false},
      {"telnet", true},
  };
  EXPECT_TRUE(cells_of(table_of(rows)) == expected);
}

TEST(ListTablesTest, ShowEachFieldOfAClosedConnection) {
  ClosedRow row;
  row.id = {7};
  row.listener = "public";
  row.reason = "quit";
  row.ended_at = WallTime{1714564800s} + 5ms;
  row.duration = 2s;
  row.messages = 1;
  row.received_bytes = 2;
  row.sent_bytes = 3;
  const std::vector rows{row};
  const std::map<std::string_view, Cell> expected{
      {"id", std::uint64_t{7}},
      {"listener", std::string{"public"}},
      {"peer", row.peer},
      {"reason", std::string{"quit"}},
      {"ended_at", std::string{"2024-05-01T12:00:00.005Z"}},
      {"duration", 2.0},
      {"messages", std::uint64_t{1}},
      {"received_bytes", std::uint64_t{2}},
      {"sent_bytes", std::uint64_t{3}},
  };
  EXPECT_TRUE(cells_of(table_of(rows)) == expected);
}

}  // namespace
}  // namespace chatgate::admin
