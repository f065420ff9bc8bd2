#pragma once

#include <span>
#include <vector>

#include <chatgate/admin/backend.h>
#include <chatgate/admin/list_query.h>

namespace chatgate::admin {

/// The columns of /connections and of /connections/closed, in the order of the JSON.
std::span<const Column> connection_columns() noexcept;
std::span<const Column> closed_columns() noexcept;

/// Lifetime: the table borrows `rows`.
Table table_of(const std::vector<ConnectionRow>& rows);
Table table_of(const std::vector<ClosedRow>& rows);

}  // namespace chatgate::admin
