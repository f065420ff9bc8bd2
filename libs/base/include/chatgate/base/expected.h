#pragma once

#include <utility>
#include <variant>

#include <chatgate/base/assert.h>

namespace chatgate::base {

/// The failure side of an Expected, named so that a value and an error of one type stay apart.
template <class E>
struct Unexpected {
  E error;
};
template <class E>
Unexpected(E) -> Unexpected<E>;

/// A value or the reason there is none. Replace by std::expected once every compiler has it
/// (C++23).
template <class T, class E>
class [[nodiscard]] Expected {
 public:
  Expected(T value) : content_{std::in_place_index<0>, std::move(value)} {}  // NOLINT: like std
  Expected(Unexpected<E> unexpected)                                         // NOLINT: like std
      : content_{std::in_place_index<1>, std::move(unexpected.error)} {}

  bool has_value() const noexcept { return content_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  T& operator*() & noexcept { return value(); }
  const T& operator*() const& noexcept { return const_cast<Expected*>(this)->value(); }
  T&& operator*() && noexcept { return std::move(value()); }
  T* operator->() noexcept { return &value(); }
  const T* operator->() const noexcept { return &const_cast<Expected*>(this)->value(); }

  const E& error() const noexcept {
    CHATGATE_ASSERT(!has_value());
    return *std::get_if<1>(&content_);
  }

 private:
  T& value() noexcept {
    CHATGATE_ASSERT(has_value());
    return *std::get_if<0>(&content_);
  }

  std::variant<T, E> content_;
};

}  // namespace chatgate::base
