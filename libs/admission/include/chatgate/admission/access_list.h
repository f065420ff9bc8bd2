#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include <chatgate/net/address.h>

namespace chatgate::admission {

/// A set of addresses, made of blocks.
///
/// Threads: constant after construction, so any thread may ask.
/// Cost: a binary search over disjoint ranges; 8 bytes a v4 block, 32 bytes a v6 block.
class AccessList {
 public:
  /// The list that contains nobody.
  AccessList() = default;

  /// Blocks may repeat, overlap and come in any order.
  explicit AccessList(const std::vector<net::Cidr>& blocks);

  /// Whether a block holds `address`. A peer without an address is in no list.
  bool contains(const net::IpAddress& address) const noexcept;

  bool empty() const noexcept { return v4_.empty() && v6_.empty(); }

 private:
  template <class Number>
  struct Range {
    Number first;
    Number last;
  };
  using V4 = std::uint32_t;
  using V6 = std::array<std::uint8_t, 16>;

  template <class Number>
  static void make_disjoint(std::vector<Range<Number>>& ranges);
  template <class Number>
  static bool holds(const std::vector<Range<Number>>& ranges, const Number& number) noexcept;

  // Sorted, disjoint.
  std::vector<Range<V4>> v4_;
  std::vector<Range<V6>> v6_;
};

}  // namespace chatgate::admission
