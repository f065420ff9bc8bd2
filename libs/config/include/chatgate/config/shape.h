#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <chatgate/config/type.h>

/// The shape of a configuration, seen without its C++ types: what readers, writers and documents
/// walk. Made by Table<T> alone; a `void*` here is always the object that the table was made for.
namespace chatgate::config {

/// Whether a running gateway takes a changed value over.
enum class Apply : std::uint8_t { Reload, Restart };

/// How many entries a list or map may have.
struct Count {
  std::size_t min = 0;
  std::size_t max = 0;
};

/// A scalar, or a list of scalars of one type.
class Leaf {
 public:
  Leaf(TypeInfo type, std::optional<Count> list) : type_{std::move(type)}, list_{list} {}
  virtual ~Leaf() = default;

  const TypeInfo& type() const noexcept { return type_; }
  /// Set for a list of scalars.
  const std::optional<Count>& list() const noexcept { return list_; }

  /// Empties a list; a scalar keeps its value.
  virtual void clear(void* target) const = 0;
  /// Assigns the scalar or appends to the list; leaves `target` alone when it returns a mistake.
  virtual std::optional<Mistake> put(std::string_view text, void* target) const = 0;
  virtual std::vector<std::string> texts(const void* target) const = 0;

 private:
  TypeInfo type_;
  std::optional<Count> list_;
};

struct Key;

/// Keys in the order of the reference.
struct Section {
  std::vector<Key> keys;

  const Key* find(std::string_view key) const noexcept;
  std::vector<std::string> names() const;
};

/// Sections that have names: a map, or a list whose elements hold their name under the key `name`.
class Entries {
 public:
  enum class Form : std::uint8_t { List, Map };

  struct Entry {
    std::string name;
    void* object;
  };

  Entries(Form form, std::shared_ptr<const Section> section, Count count)
      : form_{form}, section_{std::move(section)}, count_{count} {}
  virtual ~Entries() = default;

  Form form() const noexcept { return form_; }
  const Section& section() const noexcept { return *section_; }
  Count count() const noexcept { return count_; }

  virtual void clear(void* target) const = 0;
  /// A new entry with default values. Invalidates what add() and all() returned before.
  virtual void* add(const std::string& name, void* target) const = 0;
  virtual std::vector<Entry> all(void* target) const = 0;
  /// An entry with default values that belongs to no list, for the reference.
  virtual std::shared_ptr<void> blank() const = 0;

 private:
  Form form_;
  std::shared_ptr<const Section> section_;
  Count count_;
};

struct Key {
  using Shape = std::variant<std::shared_ptr<const Leaf>, std::shared_ptr<const Section>,
                             std::shared_ptr<const Entries>>;

  std::string name;
  std::string meaning;
  Apply apply = Apply::Reload;
  std::function<void*(void*)> member;  // From the section's object to the value of this key.
  Shape shape;

  const Leaf* leaf() const noexcept;
  const Section* section() const noexcept;
  const Entries* entries() const noexcept;
};

/// One value of a configuration and where it is in it.
struct LeafPlace {
  std::string path;        // Entries by name: `listeners.public.backlog`.
  std::string index_path;  // Entries by number: `listeners.0.backlog`.
  std::string entry;       // The entry that it is part of: `listeners.public`; empty = none.
  const Key* key = nullptr;
  void* object = nullptr;
};

/// Every value of `object`, in the order of the reference. `root` must outlive the places.
std::vector<LeafPlace> leaves(const Section& root, void* object);

/// `section.key`, without a dot at the root.
std::string dotted(const std::string& path, std::string_view key);

}  // namespace chatgate::config
