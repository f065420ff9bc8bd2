#include "log_line.h"

#include <chatgate/telemetry/escape.h>

namespace chatgate::telemetry {

std::string escape_text(std::string_view text) {
  LineBuffer escaped;
  append_escaped(escaped, text);
  return fmt::to_string(escaped);
}

}  // namespace chatgate::telemetry
