#include <cstddef>
#include <cstdint>
#include <string_view>

#include <chatgate/base/assert.h>
#include <chatgate/service/config_docs.h>
#include <chatgate/service/load_config.h>

// Any bytes are a configuration or a list of mistakes, each with a message; what is a configuration
// is the same after it was written out and read again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace chatgate::service;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto loaded = parse_config(text, "fuzz.yaml", {});
  for (const auto& diagnostic : loaded.diagnostics) {
    CHATGATE_ASSERT(!diagnostic.message.empty());
    CHATGATE_ASSERT(diagnostic.line >= 0 && diagnostic.column >= 0);
  }
  if (!loaded.is_valid()) return 0;
  const auto again = parse_config(effective_config_text(loaded), "again.yaml", {});
  CHATGATE_ASSERT(again.is_valid());
  CHATGATE_ASSERT(again.config == loaded.config);
  return 0;
}
