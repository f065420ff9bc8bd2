#include <algorithm>

#include <chatgate/service/machine.h>
#include <chatgate/service/memory_budget.h>

namespace chatgate::service {

base::Bytes memory_budget(base::Bytes limit, base::Bytes configured) noexcept {
  const base::Bytes most{limit.count / 10 * 9};
  return configured.count == 0 ? most : std::min(most, configured);
}

base::Bytes output_budget(base::Bytes configured) {
  return {std::min(configured.count, memory_limit().count / 2)};
}

void tell_lowered_budget(base::Bytes configured, telemetry::Log& log) {
  const auto effective = output_budget(configured);
  if (effective == configured) return;
  log.warn("output_budget_lowered", {{"configured", base::to_text(configured)},
                                     {"effective", base::to_text(effective)},
                                     {"memory", base::to_text(memory_limit())},
                                     {"advice", "lower output.budget, or allow more memory"}});
}

}  // namespace chatgate::service
