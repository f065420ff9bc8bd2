#include <cstddef>

#include <fmt/format.h>

#include <chatgate/config/effective.h>
#include <chatgate/config/wording.h>

namespace chatgate::config {
namespace {

using Form = TypeInfo::Form;

std::string scalar(const TypeInfo& type, const std::string& text) {
  return type.form == Form::Text ? yaml_quoted(text) : text;
}

std::string leaf_text(const Leaf& leaf, const void* object) {
  auto texts = leaf.texts(object);
  for (auto& text : texts) text = scalar(leaf.type(), text);
  return leaf.list() ? '[' + joined(texts) + ']' : texts.front();
}

Origin origin_of(const std::map<std::string, Origin>& origins, const std::string& path) {
  const auto found = origins.find(path);
  return found == origins.end() ? Origin{} : found->second;
}

class Writer {
 public:
  explicit Writer(const std::map<std::string, Origin>& origins) : origins_{origins} {}

  void section(const Section& section, void* object, const std::string& path, std::size_t indent);
  std::string take() { return std::move(text_); }

 private:
  void entries(const Entries& entries, void* object, const std::string& path, std::size_t indent);
  void line(std::size_t indent, const std::string& content) {
    text_ += std::string(indent, ' ') + content + '\n';
  }
  // A comment ends with its line, so a file's name must not bring a line of its own.
  std::string comment(const std::string& path) const {
    auto text = to_text(origin_of(origins_, path));
    for (auto& c : text) {
      if (static_cast<unsigned char>(c) < 0x20) c = '?';
    }
    return "  # " + text;
  }

  const std::map<std::string, Origin>& origins_;
  std::string text_;
};

void Writer::section(const Section& section, void* object, const std::string& path,
                     std::size_t indent) {
  for (const auto& key : section.keys) {
    const auto inner = dotted(path, key.name);
    auto* member = key.member(object);
    if (const auto* leaf = key.leaf()) {
      line(indent, fmt::format("{}: {}{}", key.name, leaf_text(*leaf, member), comment(inner)));
      continue;
    }
    line(indent, key.name + ':');
    if (const auto* nested = key.section()) {
      this->section(*nested, member, inner, indent + 2);
    } else {
      entries(*key.entries(), member, inner, indent + 2);
    }
  }
}

void Writer::entries(const Entries& entries, void* object, const std::string& path,
                     std::size_t indent) {
  const bool is_list = entries.form() == Entries::Form::List;
  for (const auto& [name, entry] : entries.all(object)) {
    if (!is_list) line(indent, yaml_quoted(name) + ':');
    const auto start = text_.size();
    section(entries.section(), entry, dotted(path, name), indent + 2);
    // The first key of a list's entry stands behind the dash.
    if (is_list) text_[start + indent] = '-';
  }
}

}  // namespace

std::string effective_yaml(const Section& root, void* object,
                           const std::map<std::string, Origin>& origins) {
  Writer writer{origins};
  writer.section(root, object, "", 0);
  return writer.take();
}

std::vector<EffectiveValue> effective_values(const Section& root, void* object,
                                             const std::map<std::string, Origin>& origins) {
  std::vector<EffectiveValue> values;
  for (const auto& place : leaves(root, object)) {
    values.push_back(
        {place.path, leaf_text(*place.key->leaf(), place.object), origin_of(origins, place.path)});
  }
  return values;
}

std::vector<Change> changes(const Section& root, void* before, void* now) {
  std::map<std::string, std::vector<std::string>> old_texts;
  std::map<std::string, bool> old_entries;  // Whether the entry is still there.
  const auto old_places = leaves(root, before);
  for (const auto& place : old_places) {
    old_texts.emplace(place.path, place.key->leaf()->texts(place.object));
    old_entries.emplace(place.entry, false);
  }
  std::vector<Change> found;
  const auto add_once = [&](Change change) {
    if (found.empty() || !(found.back() == change)) found.push_back(std::move(change));
  };
  for (const auto& place : leaves(root, now)) {
    const auto entry = old_entries.find(place.entry);
    if (entry == old_entries.end()) {
      add_once({place.entry, Apply::Reload});
      continue;
    }
    entry->second = true;
    if (old_texts.at(place.path) != place.key->leaf()->texts(place.object)) {
      add_once({place.path, place.key->apply});
    }
  }
  for (const auto& place : old_places) {
    if (!old_entries.at(place.entry)) add_once({place.entry, Apply::Reload});
  }
  return found;
}

}  // namespace chatgate::config
