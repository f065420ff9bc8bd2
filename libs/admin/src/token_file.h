#pragma once

#include <string>

#include <chatgate/base/expected.h>

namespace chatgate::admin {

/// The secret that control requests must show.
struct Token {
  std::string value;    // Not empty, visible ASCII.
  std::string warning;  // Empty when the file is well kept.
};

/// Reads a token file: one line of visible ASCII, blanks around it are dropped. Errors: one
/// sentence that names the file and what to do.
base::Expected<Token, std::string> load_token(const std::string& path);

}  // namespace chatgate::admin
