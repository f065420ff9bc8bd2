#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <chatgate/config/diagnostic.h>
#include <chatgate/config/shape.h>

namespace chatgate::config {

/// A larger file is refused.
inline constexpr std::size_t kFileBytesMax = std::size_t{4} << 20;

/// What reading a configuration found besides its values.
struct Reading {
  std::vector<Diagnostic> diagnostics;
  std::map<std::string, Origin> origins;  // By path, of every key that was given.
  std::set<std::string> broken;           // The paths whose value could not be taken.

  /// The origin of `path`, or of the nearest section around it that was given.
  Origin nearest_origin(const std::string& path) const;
};

/// Variables of the environment by name.
using Environment = std::map<std::string, std::string>;

/// Those of `entries` (`NAME=value`, a null pointer last: environ(7)) that start with `prefix`.
Environment environment_with(const std::string& prefix, const char* const* entries);

/// Reads YAML into `object`, which keeps what the text does not mention. A list or map that the
/// text mentions replaces the default one.
///
/// Errors: one diagnostic for each mistake, none thrown. False when the text is no YAML document:
///   then there is a single diagnostic, and `object` is as it was.
[[nodiscard]] bool read_yaml(std::string_view text, const std::string& file, const Section& root,
                             void* object, Reading& reading);

/// Assigns variables `<prefix>LIMITS__MAX_CONNECTIONS` to what is already in `object`. Entries go
/// by name (`-` as `_`) or number; a list of scalars is separated by commas. Case does not matter.
///
/// Errors: a diagnostic of the file `environment` for each variable that fits no key or no type.
void read_environment(const Environment& environment, const std::string& prefix,
                      const Section& root, void* object, Reading& reading);

/// The name of the variable that overrides `path`.
std::string variable_for(const std::string& prefix, const std::string& path);

}  // namespace chatgate::config
