#include <algorithm>
#include <cstddef>
#include <utility>

#include <chatgate/admission/access_list.h>

namespace chatgate::admission {
namespace {

using Family = net::IpAddress::Family;

// A number in network order (big-endian), which compares as the address does.
template <class Number>
Number number_at(const std::uint8_t* bytes) noexcept {
  Number number = 0;
  for (std::size_t i = 0; i < sizeof(Number); ++i) number = number << 8 | bytes[i];
  return number;
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

AccessList::V4 AccessList::v4_of(const net::IpAddress& address) noexcept {
  return number_at<V4>(address.bytes.data());
}

AccessList::V6 AccessList::v6_of(const net::IpAddress& address) noexcept {
  return {number_at<std::uint64_t>(address.bytes.data()),
          number_at<std::uint64_t>(address.bytes.data() + 8)};
}

AccessList::AccessList(const std::vector<net::Cidr>& blocks) {
  std::vector<std::pair<V4, V4>> v4;
  std::vector<std::pair<V6, V6>> v6;
  for (const auto& block : blocks) {
    const auto last = last_of(block);
    if (block.network.family == Family::V4) {
      v4.emplace_back(v4_of(block.network), v4_of(last));
    } else if (block.network.family == Family::V6) {
      v6.emplace_back(v6_of(block.network), v6_of(last));
    }
  }
  v4_ = Ranges<V4>{std::move(v4)};
  v6_ = Ranges<V6>{std::move(v6)};
}

template <class Number>
AccessList::Ranges<Number>::Ranges(std::vector<std::pair<Number, Number>> pairs) {
  std::sort(pairs.begin(), pairs.end(),
            [](const auto& one, const auto& other) { return one.first < other.first; });
  for (const auto& [first, last] : pairs) {
    if (!firsts.empty() && !(lasts.back() < first)) {
      lasts.back() = std::max(lasts.back(), last);
    } else {
      firsts.push_back(first);
      lasts.push_back(last);
    }
  }
  firsts.shrink_to_fit();
  lasts.shrink_to_fit();
}

template <class Number>
bool AccessList::Ranges<Number>::hold(const Number& number) const noexcept {
  if (firsts.empty() || number < firsts.front()) return false;
  // The last range that begins at or before the number. Each step is a conditional move.
  std::size_t found = 0;
  for (std::size_t left = firsts.size(); left > 1;) {
    const std::size_t half = left / 2;
    found += number < firsts[found + half] ? 0 : half;
    left -= half;
  }
  return !(lasts[found] < number);
}

bool AccessList::contains(const net::IpAddress& address) const noexcept {
  switch (address.family) {
    case Family::None:
      return false;
    case Family::V4:
      return v4_.hold(v4_of(address));
    case Family::V6:
      return v6_.hold(v6_of(address));
  }
  return false;
}

}  // namespace chatgate::admission
