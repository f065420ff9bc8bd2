#include "document.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include <chatgate/config/reading.h>
#include <chatgate/config/wording.h>

namespace chatgate::config {
namespace {

using Kind = Value::Kind;
using Form = TypeInfo::Form;

std::string described(const Value& value) {
  switch (value.kind) {
    case Kind::Nothing:
      return "nothing";
    case Kind::Scalar:
    case Kind::Refused:
      return in_quotes(value.text);
    case Kind::List:
      return "a list";
    case Kind::Map:
      return "a section of keys";
  }
  return {};
}

// A key as part of a path: a key of a hostile file may hold anything.
std::string printable(const std::string& key) {
  const auto text = in_quotes(key);
  return text == '"' + key + '"' ? key : text;
}

class Reader {
 public:
  Reader(const Source& source, const std::string& file, Reading& reading)
      : source_{source}, file_{file}, reading_{reading} {}

  void section(const Value& value, const Section& section, void* object, const std::string& path);

  void complain(std::size_t offset, const std::string& key, std::string message) {
    const auto position = source_.at(offset);
    reading_.diagnostics.push_back(
        {file_, position.line, position.column, key, std::move(message)});
    reading_.broken.insert(key);
  }

 private:
  // The values of a map by key, less those whose key is no key.
  using Given = std::vector<std::pair<const Value*, const Value*>>;

  Given given(const Value& map, const std::string& path);
  void value(const Value& value, const Key& key, void* target, const std::string& path);
  void leaf(const Value& value, const Leaf& leaf, void* target, const std::string& path);
  void put(const Value& value, const Leaf& leaf, void* target, const std::string& path);
  void list_entries(const Value& value, const Entries& entries, void* target,
                    const std::string& path);
  void map_entries(const Value& value, const Entries& entries, void* target,
                   const std::string& path);

  bool expect(Kind kind, const Value& value, const std::string& what, const std::string& path);
  bool expect_count(Count count, std::size_t got, const Value& value, const std::string& path);
  void explain(const Value& value, const Mistake& mistake, const std::string& path);
  void remember(const Value& value, const std::string& path);

  const Source& source_;
  const std::string& file_;
  Reading& reading_;
};

bool Reader::expect(Kind kind, const Value& value, const std::string& what,
                    const std::string& path) {
  if (value.kind == kind) return true;
  complain(value.offset, path,
           value.kind == Kind::Refused ? value.text
                                       : fmt::format("must be {}, got {}", what, described(value)));
  return false;
}

bool Reader::expect_count(Count count, std::size_t got, const Value& value,
                          const std::string& path) {
  if (got >= count.min && got <= count.max) return true;
  complain(value.offset, path,
           fmt::format("must have {} to {} entries, got {}", count.min, count.max, got));
  return false;
}

Reader::Given Reader::given(const Value& map, const std::string& path) {
  Given given;
  std::map<std::string_view, std::size_t> seen;
  for (const auto& [key, value] : map.entries) {
    if (key->kind != Kind::Scalar) {
      complain(key->offset, path, "a key must be a word, got " + described(*key));
      continue;
    }
    const auto inner = dotted(path, printable(key->text));
    if (key->text == "<<" && key->is_plain) {
      complain(key->offset, inner, "merge keys are not supported; write the keys out");
      continue;
    }
    const auto [first, is_new] = seen.emplace(key->text, key->offset);
    if (!is_new) {
      const auto [line, column] = source_.at(first->second);
      complain(key->offset, inner,
               fmt::format("duplicate key, first given at {}:{}", line, column));
      continue;
    }
    given.emplace_back(key.get(), value.get());
  }
  return given;
}

void Reader::section(const Value& value, const Section& section, void* object,
                     const std::string& path) {
  if (!expect(Kind::Map, value, "a section of keys", path)) return;
  remember(value, path);
  for (const auto& [name, inner] : given(value, path)) {
    const auto inner_path = dotted(path, printable(name->text));
    if (const auto* key = section.find(name->text)) {
      this->value(*inner, *key, key->member(object), inner_path);
    } else {
      complain(name->offset, inner_path, "unknown key" + suggestion(name->text, section.names()));
    }
  }
}

void Reader::value(const Value& value, const Key& key, void* target, const std::string& path) {
  if (const auto* leaf = key.leaf()) {
    this->leaf(value, *leaf, target, path);
  } else if (const auto* nested = key.section()) {
    section(value, *nested, target, path);
  } else if (key.entries()->form() == Entries::Form::List) {
    list_entries(value, *key.entries(), target, path);
  } else {
    map_entries(value, *key.entries(), target, path);
  }
}

void Reader::leaf(const Value& value, const Leaf& leaf, void* target, const std::string& path) {
  remember(value, path);
  if (!leaf.list()) {
    put(value, leaf, target, path);
    return;
  }
  if (!expect(Kind::List, value, "a list", path)) return;
  if (!expect_count(*leaf.list(), value.items.size(), value, path)) return;
  leaf.clear(target);
  for (const auto& item : value.items) put(*item, leaf, target, path);
}

void Reader::put(const Value& value, const Leaf& leaf, void* target, const std::string& path) {
  const auto& type = leaf.type();
  if (!expect(Kind::Scalar, value, type.expected, path)) return;
  if (!value.is_plain && (type.form == Form::Boolean || type.form == Form::Whole)) {
    complain(value.offset, path,
             fmt::format("must be {}, got the text {}; leave the quotes out", type.expected,
                         in_quotes(value.text)));
    return;
  }
  if (const auto mistake = leaf.put(value.text, target)) explain(value, *mistake, path);
}

// An offset into a value is an offset into the file where the two are written the same up to there;
// escapes, folded lines and block scalars are not.
void Reader::explain(const Value& value, const Mistake& mistake, const std::string& path) {
  if (!mistake.offset) return complain(value.offset, path, mistake.message);
  const auto before = std::string_view{value.text}.substr(0, *mistake.offset);
  const auto start = value.offset + (value.is_plain ? 0 : 1);
  const bool is_same = before.find('\n') == before.npos && start < source_.text().size() &&
                       source_.text().substr(start).starts_with(before);
  if (is_same) return complain(start + before.size(), path, mistake.message);
  complain(value.offset, path,
           fmt::format("{} (at byte {} of the text)", mistake.message, *mistake.offset + 1));
}

void Reader::list_entries(const Value& value, const Entries& entries, void* target,
                          const std::string& path) {
  if (!expect(Kind::List, value, "a list", path)) return;
  if (!expect_count(entries.count(), value.items.size(), value, path)) return;
  remember(value, path);
  entries.clear(target);
  std::map<std::string, std::size_t> seen;
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    const auto& item = *value.items[i];
    auto* object = entries.add("", target);
    auto name = entries.all(target).back().name;
    auto offset = item.offset;
    for (const auto& [key, named] : item.entries) {
      if (key->text != "name" || named->kind != Kind::Scalar) continue;
      name = named->text;
      offset = named->offset;
    }
    const auto [first, is_new] = seen.emplace(name, offset);
    const bool is_usable = is_new && config::name().parse(name).has_value();
    const auto item_path = dotted(path, is_usable ? name : std::to_string(i));
    if (!is_new) {
      const auto [line, column] = source_.at(first->second);
      complain(
          offset, dotted(item_path, "name"),
          fmt::format("{} is the name of the entry at {}:{} too", in_quotes(name), line, column));
    }
    section(item, entries.section(), object, item_path);
  }
}

void Reader::map_entries(const Value& value, const Entries& entries, void* target,
                         const std::string& path) {
  if (!expect(Kind::Map, value, "a section of names", path)) return;
  if (!expect_count(entries.count(), value.entries.size(), value, path)) return;
  remember(value, path);
  entries.clear(target);
  for (const auto& [name, inner] : given(value, path)) {
    const auto inner_path = dotted(path, printable(name->text));
    const auto parsed = config::name().parse(name->text);
    if (!parsed) {
      complain(name->offset, inner_path, "the name " + parsed.error().message);
      continue;
    }
    section(*inner, entries.section(), entries.add(*parsed, target), inner_path);
  }
}

void Reader::remember(const Value& value, const std::string& path) {
  if (path.empty()) return;
  reading_.origins[path] = {Origin::Kind::File, file_, source_.at(value.offset)};
}

// What the first bytes of a file may be on Windows: UTF-8's byte order mark.
std::string_view without_bom(std::string_view text) {
  constexpr std::string_view kBom = "\xEF\xBB\xBF";
  return text.starts_with(kBom) ? text.substr(kBom.size()) : text;
}

}  // namespace

bool read_yaml(std::string_view text, const std::string& file, const Section& root, void* object,
               Reading& reading) {
  const Source source{without_bom(text)};
  Reader reader{source, file, reading};
  const auto document = parse_document(source);
  if (!document) {
    reader.complain(document.error().offset, "", document.error().message);
    return false;
  }
  // An empty file, or one of comments only, says that every default is fine.
  if ((*document)->kind != Kind::Nothing) reader.section(**document, root, object, "");
  std::stable_sort(reading.diagnostics.begin(), reading.diagnostics.end(),
                   [](const auto& a, const auto& b) {
                     return std::pair{a.line, a.column} < std::pair{b.line, b.column};
                   });
  return true;
}

Origin Reading::nearest_origin(const std::string& path) const {
  for (auto part = path; !part.empty();) {
    if (const auto found = origins.find(part); found != origins.end()) return found->second;
    const auto dot = part.rfind('.');
    part.resize(dot == part.npos ? 0 : dot);
  }
  return {};
}

}  // namespace chatgate::config
