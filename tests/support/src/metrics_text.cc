#include "chatgate/support/metrics_text.h"

#include <algorithm>
#include <cstdlib>
#include <string>

namespace chatgate::support {
namespace {

// Calls `visit(series, value)` for each sample.
template <class Visit>
void for_each_sample(std::string_view body, Visit visit) {
  while (!body.empty()) {
    const auto line = body.substr(0, body.find('\n'));
    body.remove_prefix(std::min(line.size() + 1, body.size()));
    const auto space = line.rfind(' ');
    if (line.starts_with('#') || space == std::string_view::npos) continue;
    visit(line.substr(0, space), std::strtod(std::string{line.substr(space + 1)}.c_str(), nullptr));
  }
}

}  // namespace

std::optional<double> metric(std::string_view body, std::string_view name_with_labels) {
  std::optional<double> found;
  for_each_sample(body, [&](std::string_view series, double value) {
    if (series == name_with_labels) found = value;
  });
  return found;
}

double metric_sum(std::string_view body, std::string_view name) {
  double sum = 0;
  for_each_sample(body, [&](std::string_view series, double value) {
    if (series.substr(0, series.find('{')) == name) sum += value;
  });
  return sum;
}

bool is_accounted(std::string_view body) {
  return metric_sum(body, "chatgate_connections_accepted_total") ==
         metric_sum(body, "chatgate_connections_rejected_total") +
             metric_sum(body, "chatgate_connections_closed_total") +
             metric_sum(body, "chatgate_connections_open");
}

}  // namespace chatgate::support
