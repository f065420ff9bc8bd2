#pragma once

#include <string>

#include <CLI/CLI.hpp>

namespace chatgate::service {

/// The man page chatgate(1): commands and options as `app` declares them, the rest from
/// cli_text.h.
std::string program_man_page(const CLI::App& app);

}  // namespace chatgate::service
