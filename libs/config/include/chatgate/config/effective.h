#pragma once

#include <map>
#include <string>
#include <vector>

#include <chatgate/config/diagnostic.h>
#include <chatgate/config/shape.h>

namespace chatgate::config {

/// All values of `object` as YAML, one to a line, each with its origin as a comment. Reading it
/// gives an equal object.
std::string effective_yaml(const Section& root, void* object,
                           const std::map<std::string, Origin>& origins);

/// One value, and where it comes from.
struct EffectiveValue {
  std::string path;  // `listeners.public.backlog`
  std::string text;  // As effective_yaml() has it.
  Origin origin;
};

/// The same values as effective_yaml() shows, in its order.
std::vector<EffectiveValue> effective_values(const Section& root, void* object,
                                             const std::map<std::string, Origin>& origins);

/// A value that differs between two configurations.
struct Change {
  std::string path;  // Of a value, or of an entry (`listeners.public`) that came or went.
  Apply apply = Apply::Reload;

  friend bool operator==(const Change&, const Change&) = default;
};

/// What differs between two objects of `root`'s type: in the order of the reference, entries that
/// went last.
std::vector<Change> changes(const Section& root, void* before, void* now);

}  // namespace chatgate::config
