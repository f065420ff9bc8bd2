#pragma once

#include "source.h"

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <chatgate/base/expected.h>

namespace chatgate::config {

struct Value;
using ValuePtr = std::shared_ptr<const Value>;

/// A piece of a YAML document as it was written: nothing is converted, no key is dropped.
struct Value {
  enum class Kind : std::uint8_t {
    Nothing,  // `key:`, `~` or `null`.
    Scalar,
    List,
    Map,
    Refused,  // YAML that a configuration may not use; `text` says what.
  };

  Kind kind = Kind::Nothing;
  std::string text;        // Of a scalar, unquoted and unescaped.
  bool is_plain = false;   // A scalar without quotes.
  std::size_t offset = 0;  // Of its first byte in the source.
  std::vector<ValuePtr> items;
  std::vector<std::pair<ValuePtr, ValuePtr>> entries;  // Key and value, in order, doubles included.

  std::size_t nodes = 1;   // Of this value with all below it, aliases expanded.
  std::size_t height = 1;  // Levels, aliases expanded.
};

/// Why a text is no document, and at which byte.
struct Refusal {
  std::size_t offset = 0;
  std::string message;
};

/// What a document may hold at most; deeper and larger ones are attacks or accidents.
constexpr std::size_t kDocumentDepthMax = 32;
constexpr std::size_t kDocumentNodesMax = 250'000;

/// Reads the one YAML document of `source`. Aliases share the value that they name.
///
/// Errors: a Refusal for what is no YAML, for a second document, and beyond the bounds above.
/// Cost: linear in the source; no recursion of ours, and yaml-cpp's stops at kDocumentDepthMax.
base::Expected<ValuePtr, Refusal> parse_document(const Source& source);

}  // namespace chatgate::config
