#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>

namespace chatgate::hostile {

/// The first bytes of clients that nobody wants: they depend on the seed alone.
/// Threads: one at a time.
class Garbage {
 public:
  explicit Garbage(std::uint64_t seed) : engine_{seed} {}

  /// From 0 to `limit` - 1. The same on every platform, as the standard's distributions are not.
  std::uint64_t below(std::uint64_t limit) { return engine_() % limit; }

  /// The next of them; nothing at all is one, too. Valid until the next call.
  std::string_view next();

 private:
  std::string_view opening();
  char byte() { return static_cast<char>(below(256)); }
  void damage();
  void add_noise();
  void add_negotiation();
  void add_lines();

  std::mt19937_64 engine_;
  std::string data_;
};

}  // namespace chatgate::hostile
