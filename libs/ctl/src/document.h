#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace chatgate::ctl {

using Json = nlohmann::json;

/// null when the text is no JSON.
inline Json parse_json(std::string_view text) { return Json::parse(text, nullptr, false); }

/// A member, or null.
inline const Json& member(const Json& object, const char* name) {
  static const Json none;
  if (!object.is_object()) return none;
  const auto found = object.find(name);
  return found == object.end() ? none : *found;
}

inline double number(const Json& object, const char* name) {
  const auto& value = member(object, name);
  return value.is_number() ? value.get<double>() : 0;
}

inline std::uint64_t whole(const Json& object, const char* name) {
  const auto& value = member(object, name);
  return value.is_number_unsigned() ? value.get<std::uint64_t>() : 0;
}

/// A text as it is, another value as JSON, a dash for null.
inline std::string text(const Json& object, const char* name) {
  const auto& value = member(object, name);
  if (value.is_string()) return value.get<std::string>();
  return value.is_null() ? "-" : value.dump();
}

}  // namespace chatgate::ctl
