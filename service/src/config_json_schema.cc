#include <nlohmann/json.hpp>

#include <chatgate/config/shape.h>
#include <chatgate/service/config_docs.h>
#include <chatgate/service/schema.h>

namespace chatgate::service {
namespace {

using Json = nlohmann::ordered_json;
using Form = config::TypeInfo::Form;

Json section_schema(const config::Section& section, void* object);

// Any of the words, where the type has some beside what its pattern or range describes.
Json scalar_schema(const config::TypeInfo& type) {
  Json schema;
  switch (type.form) {
    case Form::Boolean:
      return {{"type", "boolean"}};
    case Form::Whole:
      schema = {{"type", "integer"}, {"minimum", type.min}, {"maximum", type.max}};
      if (!type.words.empty()) return {{"anyOf", {schema, {{"enum", type.words}}}}};
      return schema;
    case Form::Word:
      if (!type.words.empty()) return {{"enum", type.words}};
      break;
    case Form::Text:
      schema["maxLength"] = type.bytes_max;
      break;
  }
  schema["type"] = "string";
  if (!type.pattern.empty()) schema["pattern"] = type.pattern;
  return schema;
}

Json texts_as_json(const config::Leaf& leaf, const void* object) {
  auto values = Json::array();
  for (const auto& text : leaf.texts(object)) {
    const bool is_literal =
        leaf.type().form == Form::Boolean ||
        (leaf.type().form == Form::Whole && text.find_first_not_of("0123456789") == text.npos);
    values.push_back(is_literal ? Json::parse(text) : Json(text));
  }
  return leaf.list() ? values : values.front();
}

Json leaf_schema(const config::Leaf& leaf, const void* object) {
  auto schema = scalar_schema(leaf.type());
  if (leaf.list()) {
    schema = {{"type", "array"},
              {"items", schema},
              {"minItems", leaf.list()->min},
              {"maxItems", leaf.list()->max}};
  }
  schema["default"] = texts_as_json(leaf, object);
  return schema;
}

Json entries_schema(const config::Entries& entries) {
  const auto blank = entries.blank();
  const auto entry = section_schema(entries.section(), blank.get());
  const auto [min, max] = entries.count();
  if (entries.form() == config::Entries::Form::List) {
    return {{"type", "array"}, {"items", entry}, {"minItems", min}, {"maxItems", max}};
  }
  return {{"type", "object"},
          {"additionalProperties", entry},
          {"propertyNames", {{"pattern", config::name().info.pattern}}},
          {"minProperties", min},
          {"maxProperties", max}};
}

Json key_schema(const config::Key& key, void* object) {
  if (const auto* leaf = key.leaf()) return leaf_schema(*leaf, object);
  if (const auto* nested = key.section()) return section_schema(*nested, object);
  return entries_schema(*key.entries());
}

std::string description(const config::Key& key) {
  auto text = key.meaning;
  if (const auto* leaf = key.leaf(); leaf != nullptr && !leaf->type().bounds.empty()) {
    text += " Bounds: " + leaf->type().bounds + '.';
  }
  return key.apply == config::Apply::Restart ? text + " A change requires a restart." : text;
}

Json section_schema(const config::Section& section, void* object) {
  Json schema{{"type", "object"}, {"additionalProperties", false}};
  for (const auto& key : section.keys) {
    auto inner = key_schema(key, key.member(object));
    inner["description"] = description(key);
    schema["properties"][key.name] = std::move(inner);
  }
  return schema;
}

}  // namespace

std::string json_schema() {
  GatewayConfig defaults;
  Json document{{"$schema", "http://json-schema.org/draft-07/schema#"},
                {"title", "chatgate configuration"}};
  document.update(section_schema(schema().root(), &defaults));
  return document.dump(2) + '\n';
}

}  // namespace chatgate::service
