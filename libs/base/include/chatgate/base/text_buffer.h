#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace chatgate::base {

/// Text that grows at its end, and keeps its memory when it is cleared: scratch for hot paths.
///
/// Cost: to append is a comparison and a copy, where std::string's is a call of 45 instructions
///   that is not inlined (an extern template).
class TextBuffer {
 public:
  std::string_view view() const noexcept { return {data_.get(), size_}; }
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }

  /// The last byte. Requires !empty().
  char back() const noexcept { return data_[size_ - 1]; }

  void clear() noexcept { size_ = 0; }

  /// Makes the text `size` bytes longer. Returns where they begin; the caller must fill them before
  /// the next call of any member.
  char* extend(std::size_t size) {
    if (capacity_ - size_ < size) [[unlikely]]
      grow(size);
    return data_.get() + std::exchange(size_, size_ + size);
  }

  TextBuffer& operator+=(std::string_view text) {
    if (!text.empty()) std::memcpy(extend(text.size()), text.data(), text.size());
    return *this;
  }
  TextBuffer& operator+=(char byte) {
    *extend(1) = byte;
    return *this;
  }

 private:
  static constexpr std::size_t kCapacityMin = 1024;

  void grow(std::size_t size) {
    const auto capacity = std::max({size_ + size, 2 * capacity_, kCapacityMin});
    std::unique_ptr<char[]> data{new char[capacity]};
    if (size_ > 0) std::memcpy(data.get(), data_.get(), size_);
    data_ = std::move(data);
    capacity_ = capacity;
  }

  std::unique_ptr<char[]> data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace chatgate::base
