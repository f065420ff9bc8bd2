#include <algorithm>
#include <cstddef>

#include <chatgate/admission/access_list.h>

namespace chatgate::admission {
namespace {

using Family = net::IpAddress::Family;

std::uint32_t v4_number(const net::IpAddress& address) noexcept {
  const auto& bytes = address.bytes;
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 |
         std::uint32_t{bytes[2]} << 8 | std::uint32_t{bytes[3]};
}

// The last address of the block: all bits beyond the prefix set.
net::IpAddress last_of(const net::Cidr& block) noexcept {
  net::IpAddress last = block.network;
  for (unsigned bit = block.prefix; bit < last.bits(); ++bit) {
    last.bytes[bit / 8] = static_cast<std::uint8_t>(last.bytes[bit / 8] | 0x80U >> bit % 8);
  }
  return last;
}

}  // namespace

AccessList::AccessList(const std::vector<net::Cidr>& blocks) {
  for (const auto& block : blocks) {
    const auto last = last_of(block);
    if (block.network.family == Family::V4) {
      v4_.push_back({v4_number(block.network), v4_number(last)});
    } else if (block.network.family == Family::V6) {
      v6_.push_back({block.network.bytes, last.bytes});
    }
  }
  make_disjoint(v4_);
  make_disjoint(v6_);
}

template <class Number>
void AccessList::make_disjoint(std::vector<Range<Number>>& ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](const auto& one, const auto& other) { return one.first < other.first; });
  std::size_t kept = 0;
  for (std::size_t next = 1; next < ranges.size(); ++next) {
    if (ranges[next].first <= ranges[kept].last) {
      ranges[kept].last = std::max(ranges[kept].last, ranges[next].last);
    } else {
      ranges[++kept] = ranges[next];
    }
  }
  if (!ranges.empty()) ranges.resize(kept + 1);
  ranges.shrink_to_fit();
}

template <class Number>
bool AccessList::holds(const std::vector<Range<Number>>& ranges, const Number& number) noexcept {
  const auto after = std::upper_bound(
      ranges.begin(), ranges.end(), number,
      [](const Number& wanted, const auto& range) { return wanted < range.first; });
  return after != ranges.begin() && number <= std::prev(after)->last;
}

bool AccessList::contains(const net::IpAddress& address) const noexcept {
  switch (address.family) {
    case Family::None:
      return false;
    case Family::V4:
      return holds(v4_, v4_number(address));
    case Family::V6:
      return holds(v6_, address.bytes);
  }
  return false;
}

}  // namespace chatgate::admission
