#pragma once

#include <cstdint>
#include <string>

namespace chatgate::config {

/// A place in a file, counted from 1 as editors do; a column is a character, not a byte.
struct Position {
  int line = 0;  // 0 = nowhere in particular.
  int column = 0;

  friend auto operator<=>(const Position&, const Position&) = default;
};

/// One mistake of the operator, and where to find it.
struct Diagnostic {
  std::string file;  // `environment` for a mistake in an environment variable.
  int line = 0;      // 0 = the file as a whole.
  int column = 0;
  std::string key;  // Dotted, such as `listeners.public.backlog`, or the name of the variable.
  std::string message;

  friend bool operator==(const Diagnostic&, const Diagnostic&) = default;
};

/// Where an effective value comes from.
struct Origin {
  enum class Kind : std::uint8_t { Default, File, Environment };

  Kind kind = Kind::Default;
  std::string source;  // The file's or the variable's name.
  Position position;   // Of the value, in a file.

  friend bool operator==(const Origin&, const Origin&) = default;
};

/// `file:line:column: key: message`, which editors jump to; what is empty or 0 is left out.
std::string to_text(const Diagnostic& diagnostic);

/// `default`, `chatgate.yaml:12:3` or `environment CHATGATE__LIMITS__MAX_CONNECTIONS`.
std::string to_text(const Origin& origin);

}  // namespace chatgate::config
