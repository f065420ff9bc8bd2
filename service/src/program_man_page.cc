#include "program_man_page.h"

#include "cli_text.h"
#include "man_page.h"

#include <span>

#include <fmt/format.h>

namespace chatgate::service {
namespace {

constexpr const char* kDescription = R"(
The gateway greets whoever connects, reads what they send, and replies, within limits that hold for
everybody and for each source. `chatgate run` stays in the foreground and is meant to be run by
systemd, in a container, or by hand.
)";

constexpr const char* kEnd = R"(
## Environment

`CHATGATE__LIMITS__MAX_CONNECTIONS=500` overrides the key `limits.max_connections` of the file, and
so on for every key: see `chatgate.yaml`(5).

What systemd sets is understood: `LISTEN_FDS` and `LISTEN_FDNAMES` for listeners of the address
`fd:NAME`, `NOTIFY_SOCKET` for readiness, reload, status and drain, `WATCHDOG_USEC` for the
watchdog, `JOURNAL_STREAM` for the priorities of log lines.

## Files

| file | what it is |
|---|---|
| `/etc/chatgate/chatgate.yaml` | the configuration of `chatgate.service` |
| `/etc/chatgate/NAME.yaml` | the configuration of the instance `chatgate@NAME.service` |
| `/var/lib/chatgate` | where the service may write, a log file for example |
| `/run/chatgate` | where the service may put its Unix sockets |
| `/usr/share/doc/chatgate/README.md.gz` | the runbook |

## See also

`chatgate.yaml`(5), `systemctl`(1), `journalctl`(1), `systemd.socket`(5)
)";

std::string table(const char* heading, std::span<const Term> terms) {
  auto text = fmt::format("\n## {}\n\n| | |\n|---|---|\n", heading);
  for (const auto& [word, meaning] : terms) text += fmt::format("| `{}` | {} |\n", word, meaning);
  return text;
}

// The command and those below it, each with its options.
std::string describe(const CLI::App& command, const std::string& above) {
  auto synopsis = above + ' ' + command.get_name();
  const auto full_name = synopsis;
  std::string rows;
  for (const auto* option : command.get_options()) {
    if (option == command.get_help_ptr()) continue;
    const bool is_positional = option->get_positional();
    const auto type = option->get_type_name();
    const auto value_name = is_positional || type.empty() ? "" : ' ' + type;
    const auto name = option->get_name(is_positional, true) + value_name;
    const auto one = is_positional ? name : "--" + option->get_lnames().front() + value_name;
    synopsis += option->get_required() ? ' ' + one : " [" + one + ']';
    auto meaning = option->get_description();
    const auto value = option->get_default_str();
    if (!value.empty()) meaning += " (" + value + ')';
    rows += fmt::format("| `{}` | {} |\n", name, meaning);
  }
  if (!rows.empty()) rows.insert(0, "| | |\n|---|---|\n");
  const auto inner = command.get_subcommands([](const CLI::App*) { return true; });
  if (!inner.empty()) synopsis += " COMMAND";
  auto text = fmt::format("### `{}`\n\n{}.\n\n{}\n", synopsis, command.get_description(), rows);
  for (const auto* one : inner) text += describe(*one, full_name);
  return text;
}

}  // namespace

std::string program_man_page(const CLI::App& app) {
  std::string text = "## Synopsis\n\n`chatgate` COMMAND [OPTION...]\n\n## Description\n";
  text += kDescription;
  text += "\n## Commands\n\n";
  for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (!command->get_group().empty()) text += describe(*command, "chatgate");
  }
  text += table("Examples", kExamples) + table("Signals of run", kSignals) +
          table("Exit status", kExitCodes) + kEnd;
  return to_man_page({"chatgate", 1, "gateway for line-based TCP conversations"}, text);
}

}  // namespace chatgate::service
