#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <chatgate/admin/backend.h>
#include <chatgate/admin/list_query.h>
#include <chatgate/net/address.h>

namespace chatgate::admin {

/// All open sessions of one address.
struct SourceRow {
  net::IpAddress source;
  std::uint64_t connections = 0;
  std::uint64_t messages = 0;
  std::uint64_t received_bytes = 0;
  std::uint64_t sent_bytes = 0;
  std::uint64_t output_bytes = 0;
};

/// One row for each address, in the order of addresses.
std::vector<SourceRow> group_by_source(const std::vector<ConnectionRow>& rows);

/// The columns of /connections, /connections/closed, /sources and /penalties, in the order of the
/// JSON.
std::span<const Column> connection_columns() noexcept;
std::span<const Column> closed_columns() noexcept;
std::span<const Column> source_columns() noexcept;
std::span<const Column> penalty_columns() noexcept;

/// Lifetime: the table borrows `rows`.
Table table_of(const std::vector<ConnectionRow>& rows);
Table table_of(const std::vector<ClosedRow>& rows);
Table table_of(const std::vector<SourceRow>& rows);
Table table_of(const std::vector<PenaltyRow>& rows);

}  // namespace chatgate::admin
