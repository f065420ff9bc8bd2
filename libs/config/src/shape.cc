#include <chatgate/config/shape.h>

namespace chatgate::config {
namespace {

void collect(const Section& section, const LeafPlace& place, std::vector<LeafPlace>& found) {
  for (const auto& key : section.keys) {
    LeafPlace inner{dotted(place.path, key.name), dotted(place.index_path, key.name), place.entry,
                    &key, key.member(place.object)};
    if (key.leaf() != nullptr) {
      found.push_back(std::move(inner));
    } else if (const auto* nested = key.section()) {
      collect(*nested, inner, found);
    } else {
      std::size_t index = 0;
      for (const auto& [name, object] : key.entries()->all(inner.object)) {
        const auto path = dotted(inner.path, name);
        const auto index_path = dotted(inner.index_path, std::to_string(index++));
        collect(key.entries()->section(), {path, index_path, path, &key, object}, found);
      }
    }
  }
}

template <class S>
const S* shape_as(const Key& key) noexcept {
  const auto* shape = std::get_if<std::shared_ptr<const S>>(&key.shape);
  return shape == nullptr ? nullptr : shape->get();
}

}  // namespace

const Key* Section::find(std::string_view key) const noexcept {
  for (const auto& candidate : keys) {
    if (candidate.name == key) return &candidate;
  }
  return nullptr;
}

std::vector<std::string> Section::names() const {
  std::vector<std::string> names;
  for (const auto& key : keys) names.push_back(key.name);
  return names;
}

const Leaf* Key::leaf() const noexcept { return shape_as<Leaf>(*this); }
const Section* Key::section() const noexcept { return shape_as<Section>(*this); }
const Entries* Key::entries() const noexcept { return shape_as<Entries>(*this); }

std::vector<LeafPlace> leaves(const Section& root, void* object) {
  std::vector<LeafPlace> found;
  collect(root, {.object = object}, found);
  return found;
}

std::string dotted(const std::string& path, std::string_view key) {
  return path.empty() ? std::string{key} : path + '.' + std::string{key};
}

}  // namespace chatgate::config
