#include "log_line.h"

#include <chatgate/telemetry/printable_text.h>

namespace chatgate::telemetry {

std::string printable_text(std::string_view text) {
  LineBuffer printable;
  append_printable(printable, text);
  return fmt::to_string(printable);
}

}  // namespace chatgate::telemetry
