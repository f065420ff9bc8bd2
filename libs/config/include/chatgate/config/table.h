#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <chatgate/config/shape.h>
#include <chatgate/config/type.h>

namespace chatgate::config {

/// What `member` (a pointer to a member, or a callable) makes of a T.
template <class T, class Member>
using MemberOf = std::remove_reference_t<std::invoke_result_t<const Member&, T&>>;

/// A member of a member: `within(&A::b, &B::c)`.
template <class Outer, class Inner>
auto within(Outer outer, Inner inner) {
  return [outer, inner](auto& object) -> auto& {
    return std::invoke(inner, std::invoke(outer, object));
  };
}

/// Every key of a T: its name, member, type, meaning and whether a reload applies it. Parser,
/// environment, effective configuration, diff, reference and schema all derive from it.
///
/// Threads: a constant after construction, from any thread. Copies share what they hold.
template <class T>
class Table {
 public:
  /// A scalar.
  template <class Member>
  Table& key(std::string name, Member member, Type<std::type_identity_t<MemberOf<T, Member>>> type,
             std::string meaning, Apply apply = Apply::Reload);

  /// A list of scalars of one type.
  template <class Member>
  Table& list(std::string name, Member member,
              Type<typename MemberOf<T, Member>::value_type> element, Count count,
              std::string meaning, Apply apply = Apply::Reload);

  /// Keys one level deeper, of a member or (std::identity) of the same object.
  template <class Member>
  Table& section(std::string name, Member member, const Table<MemberOf<T, Member>>& table,
                 std::string meaning);

  /// A list of sections, each named by the key `name` of `table`, which is `name_member`.
  template <class Member, class Name>
  Table& entries(std::string name, Member member, Name name_member,
                 const Table<typename MemberOf<T, Member>::value_type>& table, Count count,
                 std::string meaning);

  /// A map of sections by name.
  template <class Member>
  Table& map(std::string name, Member member,
             const Table<typename MemberOf<T, Member>::mapped_type>& table, Count count,
             std::string meaning);

  const Section& root() const noexcept { return *root_; }
  std::shared_ptr<const Section> shared() const noexcept { return root_; }

 private:
  template <class Member>
  Table& add(std::string name, Member member, Key::Shape shape, std::string meaning, Apply apply);

  std::shared_ptr<Section> root_ = std::make_shared<Section>();
};

namespace detail {

template <class M>
class ScalarLeaf final : public Leaf {
 public:
  explicit ScalarLeaf(Type<M> type) : Leaf{type.info, std::nullopt}, type_{std::move(type)} {}

  void clear(void*) const override {}
  std::optional<Mistake> put(std::string_view text, void* target) const override {
    auto value = type_.parse(text);
    if (!value) return value.error();
    *static_cast<M*>(target) = std::move(*value);
    return std::nullopt;
  }
  std::vector<std::string> texts(const void* target) const override {
    return {type_.to_text(*static_cast<const M*>(target))};
  }

 private:
  Type<M> type_;
};

template <class List>
class ListLeaf final : public Leaf {
 public:
  using Element = typename List::value_type;

  ListLeaf(Type<Element> element, Count count)
      : Leaf{element.info, count}, element_{std::move(element)} {}

  void clear(void* target) const override { static_cast<List*>(target)->clear(); }
  std::optional<Mistake> put(std::string_view text, void* target) const override {
    auto value = element_.parse(text);
    if (!value) return value.error();
    static_cast<List*>(target)->push_back(std::move(*value));
    return std::nullopt;
  }
  std::vector<std::string> texts(const void* target) const override {
    std::vector<std::string> texts;
    for (const auto& element : *static_cast<const List*>(target)) {
      texts.push_back(element_.to_text(element));
    }
    return texts;
  }

 private:
  Type<Element> element_;
};

template <class List, class Name>
class ListEntries final : public Entries {
 public:
  ListEntries(Name name, std::shared_ptr<const Section> section, Count count)
      : Entries{Form::List, std::move(section), count}, name_{name} {}

  void clear(void* target) const override { static_cast<List*>(target)->clear(); }
  void* add(const std::string&, void* target) const override {
    return &static_cast<List*>(target)->emplace_back();
  }
  std::vector<Entry> all(void* target) const override {
    std::vector<Entry> entries;
    for (auto& element : *static_cast<List*>(target)) {
      entries.push_back({std::invoke(name_, element), &element});
    }
    return entries;
  }
  std::shared_ptr<void> blank() const override {
    return std::make_shared<typename List::value_type>();
  }

 private:
  Name name_;
};

template <class Map>
class MapEntries final : public Entries {
 public:
  MapEntries(std::shared_ptr<const Section> section, Count count)
      : Entries{Form::Map, std::move(section), count} {}

  void clear(void* target) const override { static_cast<Map*>(target)->clear(); }
  void* add(const std::string& name, void* target) const override {
    return &(*static_cast<Map*>(target))[name];
  }
  std::vector<Entry> all(void* target) const override {
    std::vector<Entry> entries;
    for (auto& [name, value] : *static_cast<Map*>(target)) entries.push_back({name, &value});
    return entries;
  }
  std::shared_ptr<void> blank() const override {
    return std::make_shared<typename Map::mapped_type>();
  }
};

}  // namespace detail

template <class T>
template <class Member>
Table<T>& Table<T>::add(std::string name, Member member, Key::Shape shape, std::string meaning,
                        Apply apply) {
  auto access = [member](void* object) -> void* {
    return &std::invoke(member, *static_cast<T*>(object));
  };
  root_->keys.push_back(
      {std::move(name), std::move(meaning), apply, std::move(access), std::move(shape)});
  return *this;
}

template <class T>
template <class Member>
Table<T>& Table<T>::key(std::string name, Member member,
                        Type<std::type_identity_t<MemberOf<T, Member>>> type, std::string meaning,
                        Apply apply) {
  using Shape = detail::ScalarLeaf<MemberOf<T, Member>>;
  return add(std::move(name), member, std::make_shared<const Shape>(std::move(type)),
             std::move(meaning), apply);
}

template <class T>
template <class Member>
Table<T>& Table<T>::list(std::string name, Member member,
                         Type<typename MemberOf<T, Member>::value_type> element, Count count,
                         std::string meaning, Apply apply) {
  using Shape = detail::ListLeaf<MemberOf<T, Member>>;
  return add(std::move(name), member, std::make_shared<const Shape>(std::move(element), count),
             std::move(meaning), apply);
}

template <class T>
template <class Member>
Table<T>& Table<T>::section(std::string name, Member member,
                            const Table<MemberOf<T, Member>>& table, std::string meaning) {
  return add(std::move(name), member, table.shared(), std::move(meaning), Apply::Reload);
}

template <class T>
template <class Member, class Name>
Table<T>& Table<T>::entries(std::string name, Member member, Name name_member,
                            const Table<typename MemberOf<T, Member>::value_type>& table,
                            Count count, std::string meaning) {
  using Shape = detail::ListEntries<MemberOf<T, Member>, Name>;
  return add(std::move(name), member,
             std::make_shared<const Shape>(name_member, table.shared(), count), std::move(meaning),
             Apply::Reload);
}

template <class T>
template <class Member>
Table<T>& Table<T>::map(std::string name, Member member,
                        const Table<typename MemberOf<T, Member>::mapped_type>& table, Count count,
                        std::string meaning) {
  using Shape = detail::MapEntries<MemberOf<T, Member>>;
  return add(std::move(name), member, std::make_shared<const Shape>(table.shared(), count),
             std::move(meaning), Apply::Reload);
}

}  // namespace chatgate::config
