#pragma once

#include <string>

#include <chatgate/service/load_config.h>

namespace chatgate::service {

/// Every effective value as YAML, each line with its origin: `# default`, `# chatgate.yaml:12:3` or
/// `# environment CHATGATE__…`. Loading it gives an equal configuration.
std::string effective_config_text(const LoadedConfig& loaded);

/// The text of `configs/README.md`: units, precedence, environment, and every key.
std::string reference_markdown();

/// The man page chatgate.yaml(5): the same text, for man(1).
std::string reference_man_page();

/// The text of `configs/chatgate.schema.json` (JSON Schema draft-07), for editors and validators.
std::string json_schema();

}  // namespace chatgate::service
