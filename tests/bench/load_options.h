#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace chatgate::bench {

extern const char* const kLoadUsage;

/// What one operation of the load is.
enum class Mode { Messages, Connection, Idle };

/// The command line of `load`; kLoadUsage says what each means.
struct LoadOptions {
  Mode mode = Mode::Messages;
  std::uint16_t port = 0;
  std::size_t connections = 50;
  std::size_t window = 1;
  std::size_t size = 32;
  std::size_t messages = 100'000;
  std::chrono::seconds seconds{60};
  unsigned sources = 1;
};

/// Reads the command line. Throws std::invalid_argument that names the mistake.
LoadOptions parse_load_options(int argc, char** argv);

}  // namespace chatgate::bench
