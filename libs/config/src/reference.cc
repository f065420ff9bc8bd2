#include <fmt/format.h>

#include <chatgate/config/reference.h>
#include <chatgate/config/wording.h>

namespace chatgate::config {
namespace {

using Form = TypeInfo::Form;

// A cell must not hold the sign that ends it.
std::string cell(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '|') result += '\\';
    result += c;
  }
  return result;
}

std::string default_of(const Leaf& leaf, const void* object) {
  auto texts = leaf.texts(object);
  if (leaf.type().form == Form::Text) {
    for (auto& text : texts) text = yaml_quoted(text);
  }
  return leaf.list() ? '[' + joined(texts) + ']' : texts.front();
}

std::string bounds_of(const Leaf& leaf) {
  const auto& type = leaf.type();
  std::string bounds = type.bounds;
  if (type.form == Form::Word && !type.words.empty()) {
    for (const auto& word : type.words) bounds += (bounds.empty() ? "`" : ", `") + word + '`';
  }
  if (leaf.list()) {
    const auto each = bounds.empty() ? "" : ", each " + bounds;
    bounds = fmt::format("{} to {} entries{}", leaf.list()->min, leaf.list()->max, each);
  }
  return bounds.empty() ? "–" : bounds;
}

void describe(const Section& section, void* object, const std::string& path,
              const std::string& meaning, std::string& out);

void describe_inner(const Key& key, void* object, const std::string& path, std::string& out) {
  if (const auto* nested = key.section()) {
    describe(*nested, object, path, key.meaning, out);
  } else if (const auto* entries = key.entries()) {
    const auto suffix = entries->form() == Entries::Form::List ? "[]" : ".<name>";
    const auto meaning = fmt::format("{} {} to {} entries.", key.meaning, entries->count().min,
                                     entries->count().max);
    const auto blank = entries->blank();
    describe(entries->section(), blank.get(), path + suffix, meaning, out);
  }
}

void describe(const Section& section, void* object, const std::string& path,
              const std::string& meaning, std::string& out) {
  std::string rows;
  for (const auto& key : section.keys) {
    const auto* leaf = key.leaf();
    if (leaf == nullptr) continue;
    const auto kind = leaf->list() ? "list of " + leaf->type().name : leaf->type().name;
    rows += fmt::format("| `{}` | {} | `{}` | {} | {} | {} |\n", key.name, kind,
                        cell(default_of(*leaf, key.member(object))), cell(bounds_of(*leaf)),
                        key.apply == Apply::Reload ? "reload" : "restart", cell(key.meaning));
  }
  out += path.empty() ? "### At the top\n\n" : fmt::format("### `{}`\n\n{}\n\n", path, meaning);
  if (!rows.empty()) {
    out +=
        "| key | type | default | bounds | applied by | meaning |\n"
        "|---|---|---|---|---|---|\n" +
        rows + '\n';
  }
  for (const auto& key : section.keys) {
    describe_inner(key, key.member(object), dotted(path, key.name), out);
  }
}

}  // namespace

std::string reference_tables(const Section& root, void* defaults) {
  std::string out;
  describe(root, defaults, "", "", out);
  return out;
}

}  // namespace chatgate::config
