// How long the small things take that a message and a connection are made of.

#include "operation.h"

#include <utility>

#include <benchmark/benchmark.h>

namespace {

using chatgate::bench::Operation;

constexpr std::size_t kBatch = 16;  // So that the library's own loop costs next to nothing.

void measure(benchmark::State& state, const Operation& operation) {
  // The library comes back with ever more iterations until it has its time.
  static const char* prepared = nullptr;
  static chatgate::bench::Repeat repeat;
  if (std::exchange(prepared, operation.name) != operation.name) repeat = operation.prepare();
  while (state.KeepRunningBatch(kBatch)) repeat(kBatch);
  state.SetItemsProcessed(static_cast<std::int64_t>(operation.items) * state.iterations());
}

}  // namespace

int main(int argc, char** argv) {
  for (const auto& operation : chatgate::bench::all_operations()) {
    benchmark::RegisterBenchmark(operation.name, measure, operation);
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
}
