#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace chatgate::fuzz {

/// A fuzzer's bytes, read from the front: some steer the target, the rest is what a peer sends.
class FuzzInput {
 public:
  FuzzInput(const std::uint8_t* data, std::size_t size)
      : rest_{reinterpret_cast<const char*>(data), size} {}

  /// The next byte, 0 when there is none left.
  std::uint8_t take_byte() {
    if (rest_.empty()) return 0;
    const auto byte = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return byte;
  }

  std::string_view take(std::size_t size) {
    const auto taken = rest_.substr(0, size);
    rest_.remove_prefix(taken.size());
    return taken;
  }

  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

/// Cuts `bytes` into reads, whose sizes come in turn from `sizes`, and calls `read` with each.
template <class Read>
void for_each_read(std::string_view bytes, std::string_view sizes, Read read) {
  for (std::size_t i = 0; !bytes.empty(); ++i) {
    const auto wanted =
        sizes.empty() ? bytes.size() : static_cast<std::uint8_t>(sizes[i % sizes.size()]) + 1U;
    const auto size = std::min<std::size_t>(wanted, bytes.size());
    read(bytes.substr(0, size));
    bytes.remove_prefix(size);
  }
}

}  // namespace chatgate::fuzz
