#include "operation.h"

#include <array>
#include <memory>

#include <benchmark/benchmark.h>

#include <chatgate/session/session_metrics.h>
#include <chatgate/telemetry/counter.h>
#include <chatgate/telemetry/histogram.h>

namespace chatgate::bench {
namespace {

template <typename Metric>
Repeat add_to() {
  return repeated([metric = std::make_shared<Metric>()] {
    metric->add();
    benchmark::ClobberMemory();
  });
}

Repeat observe() {
  using Delay = telemetry::Histogram<session::kReplyDelayBounds.size()>;
  // From below the first bound to above the last one.
  const auto& bounds = session::kReplyDelayBounds;
  return repeated([delay = std::make_shared<Delay>(bounds), value = std::uint64_t{1}]() mutable {
    value = value > session::kReplyDelayBounds.back() ? 1 : value * 3;
    delay->observe(value);
    benchmark::ClobberMemory();
  });
}

}  // namespace

std::vector<Operation> telemetry_operations() {
  return {
      {"metrics/counter", 1, add_to<telemetry::Counter>},
      {"metrics/shared_counter", 1, add_to<telemetry::SharedCounter>},
      {"metrics/histogram", 1, observe},
  };
}

}  // namespace chatgate::bench
