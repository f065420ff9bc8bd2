#pragma once

#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

namespace chatgate::bench {

/// Does one thing so many times.
using Repeat = std::function<void(std::size_t times)>;

/// A small thing that is worth measuring: micro_benchmark takes its time, micro_instructions counts
/// its instructions.
struct Operation {
  const char* name;
  std::size_t items;                // What doing it once handles: messages, timers, connections.
  std::function<Repeat()> prepare;  // Makes all that it needs. What it returns may run repeatedly.
};

/// A Repeat whose loop the compiler sees through.
template <typename Once>
Repeat repeated(Once once) {
  return [once = std::move(once)](std::size_t times) mutable {
    for (; times > 0; --times) once();
  };
}

std::vector<Operation> protocol_operations();
std::vector<Operation> net_operations();
std::vector<Operation> telemetry_operations();
std::vector<Operation> admission_operations();

/// All of the above.
std::vector<Operation> all_operations();

}  // namespace chatgate::bench
