#include "time_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <compare>
#include <numeric>

#include <fmt/format.h>

#include <chatgate/admin/list_query.h>
#include <chatgate/base/assert.h>
#include <chatgate/base/units.h>

namespace chatgate::admin {
namespace {

using base::Expected;
using base::Unexpected;
using Operand = decltype(Term::operand);

struct Operator {
  std::string_view text;
  Comparison comparison;
};

// Longest first, so that `<=` is not taken for `<`.
constexpr std::array kOperators{Operator{"!=", Comparison::NotEqual},
                                Operator{"<=", Comparison::LessOrEqual},
                                Operator{">=", Comparison::GreaterOrEqual},
                                Operator{"=", Comparison::Equal},
                                Operator{"<", Comparison::Less},
                                Operator{">", Comparison::Greater}};

std::string list_names(std::span<const Column> columns) {
  std::string names;
  for (const auto& column : columns) {
    if (!names.empty()) names += ", ";
    names += column.name;
  }
  return names;
}

Expected<std::size_t, std::string> find_column(std::string_view name,
                                               std::span<const Column> columns) {
  const auto named = std::ranges::find(columns, name, &Column::name);
  const auto found = named == columns.end() && name == "source"
                         ? std::ranges::find(columns, "peer", &Column::name)
                         : named;
  if (found != columns.end()) return static_cast<std::size_t>(found - columns.begin());
  return Unexpected{
      fmt::format("there is no column '{}'; the columns are {}", name, list_names(columns))};
}

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  const auto* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return number;
}

Expected<Operand, std::string> parse_peer(std::string_view text) {
  PeerPattern pattern{net::Cidr::parse(text), std::string{text}};
  // Taken for the beginning of an address, a misspelt block would quietly match nobody.
  if (!pattern.block && text.find('/') != text.npos) {
    return Unexpected{
        fmt::format("peer: '{}' is not a block such as 10.0.0.0/8 or 2001:db8::/32", text)};
  }
  return Operand{std::move(pattern)};
}

Expected<Operand, std::string> parse_operand(const Column& column, std::string_view text) {
  switch (column.kind) {
    case CellKind::Flag:
      if (text == "true" || text == "false") return Operand{text == "true"};
      return Unexpected{fmt::format("{}: '{}' is neither true nor false", column.name, text)};
    case CellKind::Measure:
      if (const auto duration = base::parse_duration(text)) return Operand{to_seconds(*duration)};
      if (const auto number = parse_number<double>(text)) return Operand{*number};
      return Unexpected{fmt::format(
          "{}: '{}' is neither a number of seconds nor a duration such as 5m", column.name, text)};
    case CellKind::Count:
      if (const auto number = parse_number<double>(text)) return Operand{*number};
      return Unexpected{fmt::format("{}: '{}' is not a number", column.name, text)};
    case CellKind::Text:
      return Operand{std::string{text}};
    case CellKind::Peer:
      return parse_peer(text);
  }
  CHATGATE_ASSERT(false);
}

bool has_order(CellKind kind) { return kind != CellKind::Flag && kind != CellKind::Peer; }

bool asks_for_order(Comparison comparison) {
  return comparison != Comparison::Equal && comparison != Comparison::NotEqual;
}

Expected<Term, std::string> parse_term(std::string_view text, std::span<const Column> columns) {
  const auto end_of_name = std::min(text.find_first_of("=!<>"), text.size());
  const auto rest = text.substr(end_of_name);
  const auto found = std::ranges::find_if(
      kOperators, [&](const Operator& one) { return rest.starts_with(one.text); });
  if (found == kOperators.end()) {
    return Unexpected{fmt::format(
        "filter: '{}' is not a condition; write COLUMN=VALUE, or != < <= > >= for =", text)};
  }
  const auto column = find_column(text.substr(0, end_of_name), columns);
  if (!column) return Unexpected{column.error()};
  const auto& [name, kind] = columns[*column];
  if (asks_for_order(found->comparison) && !has_order(kind)) {
    return Unexpected{fmt::format("filter: {} knows only = and !=", name)};
  }
  auto operand = parse_operand(columns[*column], rest.substr(found->text.size()));
  if (!operand) return Unexpected{operand.error()};
  return Term{*column, found->comparison, std::move(*operand)};
}

Expected<std::vector<Term>, std::string> parse_filter(std::string_view text,
                                                      std::span<const Column> columns) {
  std::vector<Term> terms;
  while (!text.empty()) {
    if (terms.size() == kListTermsMax) {
      return Unexpected{fmt::format("filter: at most {} conditions", kListTermsMax)};
    }
    const auto comma = std::min(text.find(','), text.size());
    auto term = parse_term(text.substr(0, comma), columns);
    if (!term) return Unexpected{term.error()};
    terms.push_back(std::move(*term));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return terms;
}

// Leaves `number` alone when there is no text. Returns what is wrong with the text, or nothing.
std::optional<std::string> read_number(std::string_view text, std::string_view name,
                                       std::size_t max, std::size_t& number) {
  if (text.empty()) return std::nullopt;
  const auto parsed = parse_number<std::size_t>(text);
  if (!parsed || *parsed > max) {
    return fmt::format("{}: '{}' is not a whole number from 0 to {}", name, text, max);
  }
  number = *parsed;
  return std::nullopt;
}

bool holds(Comparison comparison, std::partial_ordering order) {
  switch (comparison) {
    case Comparison::Equal:
      return std::is_eq(order);
    case Comparison::NotEqual:
      return std::is_neq(order);
    case Comparison::Less:
      return std::is_lt(order);
    case Comparison::LessOrEqual:
      return std::is_lteq(order);
    case Comparison::Greater:
      return std::is_gt(order);
    case Comparison::GreaterOrEqual:
      return std::is_gteq(order);
  }
  CHATGATE_ASSERT(false);
}

bool matches(const PeerPattern& pattern, const net::PeerAddress& peer) {
  if (pattern.block) return pattern.block->contains(peer.ip);
  return to_text(peer).starts_with(pattern.prefix) || to_text(peer.ip).starts_with(pattern.prefix);
}

// Each overload meets the one kind of cell that its operand was parsed for.
struct Matcher {
  const Cell& cell;
  Comparison comparison;

  bool operator()(bool operand) const {
    return holds(comparison, std::get<bool>(cell) <=> operand);
  }
  bool operator()(double operand) const {
    const auto* const count = std::get_if<std::uint64_t>(&cell);
    const double number = count ? static_cast<double>(*count) : std::get<double>(cell);
    return holds(comparison, number <=> operand);
  }
  bool operator()(const std::string& operand) const {
    return holds(comparison, std::get<std::string>(cell) <=> operand);
  }
  bool operator()(const PeerPattern& operand) const {
    const bool wanted = comparison == Comparison::Equal;
    return matches(operand, std::get<net::PeerAddress>(cell)) == wanted;
  }
};

bool meets_all(const ListQuery& query, const Table& table, std::size_t row) {
  return std::ranges::all_of(query.terms, [&](const Term& term) {
    const auto cell = table.cell(row, term.column);
    return std::visit(Matcher{cell, term.comparison}, term.operand);
  });
}

}  // namespace

Expected<ListQuery, std::string> parse_list_query(const ListText& text,
                                                  std::span<const Column> columns) {
  ListQuery query;
  if (!text.sort.empty()) {
    std::string_view name = text.sort;
    query.descending = name.starts_with('-');
    if (query.descending) name.remove_prefix(1);
    const auto column = find_column(name, columns);
    if (!column) return Unexpected{"sort: " + column.error()};
    query.sort_column = *column;
  }
  auto terms = parse_filter(text.filter, columns);
  if (!terms) return Unexpected{terms.error()};
  query.terms = std::move(*terms);
  if (auto mistake = read_number(text.limit, "limit", kListLimitMax, query.limit)) {
    return Unexpected{*std::move(mistake)};
  }
  if (auto mistake = read_number(text.offset, "offset", kListOffsetMax, query.offset)) {
    return Unexpected{*std::move(mistake)};
  }
  return query;
}

Selection select_rows(const ListQuery& query, const Table& table) {
  std::vector<std::size_t> matched;
  std::vector<Cell> keys;
  for (std::size_t row = 0; row < table.rows; ++row) {
    if (!meets_all(query, table, row)) continue;
    matched.push_back(row);
    keys.push_back(table.cell(row, query.sort_column));
  }
  std::vector<std::size_t> order(matched.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto skipped = std::min(query.offset, order.size());
  const auto end = skipped + std::min(query.limit, order.size() - skipped);
  const auto first = order.begin() + static_cast<std::ptrdiff_t>(skipped);
  const auto last = order.begin() + static_cast<std::ptrdiff_t>(end);
  std::ranges::partial_sort(order, last, [&](std::size_t a, std::size_t b) {
    if (keys[a] != keys[b]) return query.descending ? keys[b] < keys[a] : keys[a] < keys[b];
    return a < b;
  });
  Selection selection{{}, matched.size()};
  for (auto one = first; one != last; ++one) selection.rows.push_back(matched[*one]);
  return selection;
}

}  // namespace chatgate::admin
