#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <chatgate/base/expected.h>
#include <chatgate/net/address.h>

namespace chatgate::admin {

/// What one row holds in one column. A Measure is a number of seconds.
using Cell = std::variant<bool, std::uint64_t, double, std::string, net::PeerAddress>;
enum class CellKind : std::uint8_t { Flag, Count, Measure, Text, Peer };

/// A column of a list, by the name that sort, filter and the JSON use. All its cells are of `kind`.
struct Column {
  std::string_view name;
  CellKind kind = CellKind::Text;
};

/// Rows, seen as cells. Lifetime: borrows the rows and the columns.
struct Table {
  std::span<const Column> columns;
  std::size_t rows = 0;
  std::function<Cell(std::size_t row, std::size_t column)> cell;
};

enum class Comparison : std::uint8_t {
  Equal,
  NotEqual,
  Less,
  LessOrEqual,
  Greater,
  GreaterOrEqual
};

/// Peers of a block, or without one those whose text (`10.0.0.1:4711`, or the address alone) starts
/// with `prefix`.
struct PeerPattern {
  std::optional<net::Cidr> block;
  std::string prefix;
};

/// One condition on a row, such as `idle>60`.
struct Term {
  std::size_t column = 0;
  Comparison comparison = Comparison::Equal;
  std::variant<bool, double, std::string, PeerPattern> operand;
};

inline constexpr std::size_t kListLimitDefault = 100;
inline constexpr std::size_t kListLimitMax = 10'000;
inline constexpr std::size_t kListOffsetMax = 10'000'000;
inline constexpr std::size_t kListTermsMax = 16;

/// Which rows are wanted, in which order, and how many at most.
struct ListQuery {
  std::vector<Term> terms;  // A row meets all of them.
  std::size_t sort_column = 0;
  bool descending = false;
  std::size_t limit = kListLimitDefault;
  std::size_t offset = 0;  // Rows of that order to leave out first.
};

/// The parameters of a list as the client wrote them, decoded; empty = not given.
struct ListText {
  std::string sort;    // `age`; `-age` is descending.
  std::string filter;  // `listener=public,source=10.0.0.0/8,idle>5m`
  std::string limit;
  std::string offset{};
};

/// Reads a query on `columns`, where `source` is another word for `peer`, and a Measure is compared
/// with seconds or with a duration such as 5m. Pure. Errors: a sentence that tells the client what
/// to write.
base::Expected<ListQuery, std::string> parse_list_query(const ListText& text,
                                                        std::span<const Column> columns);

/// The rows that a query wants.
struct Selection {
  std::vector<std::size_t> rows;  // In order, after the offset, at most the limit.
  std::size_t matched = 0;        // Without the limit.
};

/// Pure. Rows that are equal in the sort column stay in their order. Requires a query parsed with
/// the table's columns. Cost: each cell of a filtered or sorted column is made once.
Selection select_rows(const ListQuery& query, const Table& table);

}  // namespace chatgate::admin
