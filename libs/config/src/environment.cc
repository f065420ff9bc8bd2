#include <algorithm>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include <chatgate/base/ascii.h>
#include <chatgate/config/reading.h>
#include <chatgate/config/wording.h>

namespace chatgate::config {
namespace {

std::vector<std::string_view> split(std::string_view list) {
  std::vector<std::string_view> items;
  while (!list.empty()) {
    const auto comma = std::min(list.find(','), list.size());
    auto item = list.substr(0, comma);
    list.remove_prefix(std::min(comma + 1, list.size()));
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    items.push_back(item);
  }
  return items;
}

std::optional<Mistake> assign(std::string_view text, const Leaf& leaf, void* target) {
  if (!leaf.list()) return leaf.put(text, target);
  const auto items = split(text);
  if (items.size() < leaf.list()->min || items.size() > leaf.list()->max) {
    return Mistake{fmt::format("must have {} to {} entries, got {}", leaf.list()->min,
                               leaf.list()->max, items.size()),
                   {}};
  }
  leaf.clear(target);
  for (const auto item : items) {
    if (auto mistake = leaf.put(item, target)) return mistake;
  }
  return std::nullopt;
}

// The name of a list's entry is how a variable finds it, so no variable changes it.
bool is_name_of_entry(const LeafPlace& place) { return place.path == place.entry + ".name"; }

}  // namespace

Environment environment_with(const std::string& prefix, const char* const* entries) {
  Environment environment;
  for (; *entries != nullptr; ++entries) {
    const std::string_view entry{*entries};
    const auto equals = entry.find('=');
    if (!entry.starts_with(prefix) || equals == entry.npos) continue;
    environment.emplace(entry.substr(0, equals), entry.substr(equals + 1));
  }
  return environment;
}

std::string variable_for(const std::string& prefix, const std::string& path) {
  auto variable = prefix;
  for (const char c : base::to_upper(path)) {
    if (c == '.') {
      variable += "__";
    } else {
      variable += c == '-' ? '_' : c;
    }
  }
  return variable;
}

void read_environment(const Environment& environment, const std::string& prefix,
                      const Section& root, void* object, Reading& reading) {
  std::map<std::string, LeafPlace> places;
  std::vector<std::string> variables;
  for (const auto& place : leaves(root, object)) {
    if (is_name_of_entry(place)) continue;
    variables.push_back(variable_for(prefix, place.path));
    places.emplace(variables.back(), place);
    places.emplace(variable_for(prefix, place.index_path), place);
  }
  for (const auto& [variable, text] : environment) {
    if (!variable.starts_with(prefix)) continue;
    const auto found = places.find(base::to_upper(variable));
    if (found == places.end()) {
      const auto hint = nearest(base::to_upper(variable), variables);
      reading.diagnostics.push_back({"environment", 0, 0, variable, "matches no key" + hint});
      continue;
    }
    const auto& place = found->second;
    reading.origins[place.path] = {Origin::Kind::Environment, variable, {}};
    if (const auto mistake = assign(text, *place.key->leaf(), place.object)) {
      const auto at =
          mistake->offset ? fmt::format(" (at byte {} of the text)", *mistake->offset + 1) : "";
      reading.diagnostics.push_back({"environment", 0, 0, variable, mistake->message + at});
      reading.broken.insert(place.path);
    }
  }
}

}  // namespace chatgate::config
