#pragma once

#include <optional>
#include <string_view>

namespace chatgate::support {

/// The value of one series in a Prometheus text exposition, its labels written as they stand there:
/// `metric(body, "chatgate_connections_open{listener=\"public\"}")`. Returns nullopt without one.
std::optional<double> metric(std::string_view body, std::string_view name_with_labels);

/// The sum over all series of one name, whatever their labels. 0 without any.
double metric_sum(std::string_view body, std::string_view name);

/// Whether the accounting invariant holds: accepted == rejected + closed + open, over all
/// listeners.
bool is_accounted(std::string_view body);

}  // namespace chatgate::support
