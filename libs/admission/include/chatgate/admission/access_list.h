#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include <chatgate/net/address.h>

namespace chatgate::admission {

/// A set of addresses, made of blocks.
///
/// Threads: constant after construction, so any thread may ask.
/// Cost: a binary search over disjoint ranges, no allocation: some 100 ns among 100,000 blocks;
///   8 bytes a v4 block, 32 bytes a v6 block.
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
  using V4 = std::uint32_t;
  struct V6 {
    std::uint64_t high;
    std::uint64_t low;
    friend bool operator==(const V6&, const V6&) = default;
    // Without a branch, which a search would mispredict at every other step.
    friend bool operator<(const V6& a, const V6& b) noexcept {
      return (a.high < b.high) | ((a.high == b.high) & (a.low < b.low));
    }
  };

  static V4 v4_of(const net::IpAddress& address) noexcept;
  static V6 v6_of(const net::IpAddress& address) noexcept;

  /// Ranges of addresses, sorted and disjoint. First and last ones apart, so that a search touches
  /// half of the memory.
  template <class Number>
  struct Ranges {
    std::vector<Number> firsts;
    std::vector<Number> lasts;

    explicit Ranges(std::vector<std::pair<Number, Number>> pairs);
    Ranges() = default;
    bool hold(const Number& number) const noexcept;
    bool empty() const noexcept { return firsts.empty(); }
  };

  Ranges<V4> v4_;
  Ranges<V6> v6_;
};

}  // namespace chatgate::admission
