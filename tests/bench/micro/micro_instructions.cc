// Runs each operation a fixed number of times, for callgrind to count. `collected` is what it is
// told to look at and to write down; what makes an operation ready, and its first times, are not
// counted. Prints `NAME TIMES` for each in the same order, TIMES in items.

#include "operation.h"

#include <fmt/format.h>

namespace {

constexpr std::size_t kTimes = 2'000;

}  // namespace

// Not inlined, and known to callgrind by its name.
extern "C" [[gnu::noinline]] void collected(const chatgate::bench::Repeat& repeat) {
  repeat(kTimes);
}

int main() {
  for (const auto& operation : chatgate::bench::all_operations()) {
    const auto repeat = operation.prepare();
    repeat(kTimes);
    collected(repeat);
    fmt::print("{} {}\n", operation.name, kTimes * operation.items);
  }
}
