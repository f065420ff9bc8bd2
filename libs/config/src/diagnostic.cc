#include <fmt/format.h>

#include <chatgate/config/diagnostic.h>

namespace chatgate::config {

std::string to_text(const Diagnostic& diagnostic) {
  auto text = diagnostic.file;
  if (diagnostic.line > 0) text += fmt::format(":{}:{}", diagnostic.line, diagnostic.column);
  if (!diagnostic.key.empty()) text += ": " + diagnostic.key;
  return text + ": " + diagnostic.message;
}

std::string to_text(const Origin& origin) {
  switch (origin.kind) {
    case Origin::Kind::Default:
      return "default";
    case Origin::Kind::File:
      return fmt::format("{}:{}:{}", origin.source, origin.position.line, origin.position.column);
    case Origin::Kind::Environment:
      return "environment " + origin.source;
  }
  return {};
}

}  // namespace chatgate::config
