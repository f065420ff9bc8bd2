#include "cli_text.h"
#include "ctl_command.h"
#include "program_man_page.h"

#include <chrono>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <chatgate/base/units.h>
#include <chatgate/config/wording.h>
#include <chatgate/service/bench_command.h>
#include <chatgate/service/cli.h>
#include <chatgate/service/config_docs.h>
#include <chatgate/service/load_config.h>
#include <chatgate/service/probe.h>
#include <chatgate/service/run_gateway.h>
#include <chatgate/version.h>

namespace chatgate::service {
namespace {

constexpr const char* kAbout =
    "chatgate: a gateway for line-based TCP conversations.\n"
    "It greets whoever connects, reads what they send, and replies.";

std::string footer() {
  std::string text = "Examples:\n";
  for (const auto& [word, meaning] : kExamples) {
    text += fmt::format("  {:<45}  {}\n", word, meaning);
  }
  text += "\nSignals of run:\n";
  for (const auto& [word, meaning] : kSignals) {
    text += fmt::format("  {:<16}  {}\n", word, meaning);
  }
  text +=
      "\nEnvironment: CHATGATE__LIMITS__MAX_CONNECTIONS=500 overrides limits.max_connections.\n"
      "Exit codes:";
  for (const auto& [word, meaning] : kExitCodes) {
    text += fmt::format("{} {} {}", word == kExitCodes.front().word ? "" : ",", word, meaning);
  }
  return text + '.';
}

LoadedConfig load(const std::string& file) {
  return load_config(file, config::environment_with(kVariablePrefix, ::environ));
}

int report(const LoadedConfig& loaded) {
  for (const auto& diagnostic : loaded.diagnostics) std::cerr << to_text(diagnostic) << '\n';
  return loaded.is_valid() ? kExitDone : kExitBadConfig;
}

struct CheckCommand {
  std::string stop_timeout;
  std::string termination_grace;
};

// Says what is wrong with it, and gives nothing, unless `text` is a duration of at least `least`.
std::optional<std::chrono::nanoseconds> read_duration(const char* option, const std::string& text,
                                                      const char* examples,
                                                      std::chrono::nanoseconds least = {}) {
  const auto duration = base::parse_duration(text);
  if (duration && *duration >= least) return *duration;
  std::cerr << option << ": expected a duration such as " << examples << ", got '" << text << "'\n";
  return std::nullopt;
}

int check(const std::string& file, const CheckCommand& command) {
  constexpr const char* kTimeoutExamples = "30s or 1m30s";
  auto loaded = load(file);
  if (!command.stop_timeout.empty()) {
    const auto timeout = read_duration("--stop-timeout", command.stop_timeout, kTimeoutExamples);
    if (!timeout) return kExitUsage;
    check_stop_timeout(loaded, file, *timeout);
  }
  if (!command.termination_grace.empty()) {
    const auto grace =
        read_duration("--termination-grace", command.termination_grace, kTimeoutExamples);
    if (!grace) return kExitUsage;
    check_termination_grace(loaded, file, *grace);
  }
  const int code = report(loaded);
  if (code == kExitDone) std::cout << file << ": ok\n";
  return code;
}

int show_config(const std::string& file) {
  const auto loaded = load(file);
  const int code = report(loaded);
  if (code == kExitDone) std::cout << effective_config_text(loaded);
  return code;
}

struct Arguments {
  std::string config_file;
  std::string timeout = "2s";
  CheckCommand check;
  ProbeOptions probe;
  BenchCommand bench;
  CtlCommand ctl;
  std::string document;
};

void add_config_option(CLI::App& command, Arguments& arguments) {
  command
      .add_option("-c,--config", arguments.config_file,
                  "The configuration, a YAML file; its keys: configs/README.md")
      ->required()
      ->type_name("FILE");
}

// Of a command that does not exist CLI11 says no more than that one is required.
std::optional<std::string> name_unknown_command(const CLI::App& app) {
  const auto* command = &app;
  while (!command->get_subcommands().empty()) command = command->get_subcommands().front();
  std::vector<std::string> known;
  for (const auto* each : command->get_subcommands({})) known.push_back(each->get_name());
  const auto unknown = app.remaining(true);
  if (known.empty() || unknown.empty() || unknown.front().starts_with('-')) return std::nullopt;
  return fmt::format(
      "{} is no command of {}; there are {}\nRun with --help for more information.\n",
      config::in_quotes(unknown.front()), command->get_display_name(), fmt::join(known, ", "));
}

// CLI11 keeps the last of equal short texts aligned; long explanations go to the footers.
void declare(CLI::App& app, Arguments& arguments) {
  app.footer(footer());
  app.require_subcommand(1);
  app.set_version_flag("--version", [] {
    return "chatgate " + std::string{kVersion} + " (" + std::string{revision()} + ")";
  });
  add_config_option(*app.add_subcommand("run", "Run the gateway"), arguments);
  auto* check = app.add_subcommand("check", "Check a configuration; exit code 0 or 78");
  add_config_option(*check, arguments);
  check
      ->add_option("--stop-timeout", arguments.check.stop_timeout,
                   "Check drain.deadline against it: systemd's TimeoutStopSec= or the like")
      ->type_name("DURATION");
  check
      ->add_option("--termination-grace", arguments.check.termination_grace,
                   "A Pod's terminationGracePeriodSeconds; it must be drain.deadline + 10s")
      ->type_name("DURATION");
  add_config_option(
      *app.add_subcommand("config", "Print the effective configuration and its origins"),
      arguments);

  auto* probe = app.add_subcommand("probe", "Talk to a gateway as a client; exit code 0 or 1");
  probe->add_option("ADDRESS", arguments.probe.address, "HOST:PORT, [V6]:PORT or unix:/path")
      ->required();
  probe->add_option("--send", arguments.probe.send, "Say this line after the greeting")
      ->type_name("TEXT");
  probe
      ->add_option("--expect", arguments.probe.expect,
                   "What the reply (without --send: the greeting) must contain")
      ->type_name("TEXT");
  probe->add_flag("--tls", arguments.probe.tls, "The listener speaks TLS");
  probe
      ->add_option("--ca", arguments.probe.ca,
                   "With --tls: who signed its certificate; without, whom the machine trusts")
      ->type_name("FILE");
  probe->add_option("--timeout", arguments.timeout, "For all steps together")
      ->capture_default_str()
      ->type_name("DURATION");

  arguments.bench.declare(app);
  arguments.ctl.declare(app);

  app.add_subcommand("version", "Print the version");
  auto* docs = app.add_subcommand("docs", "Print generated documents")->group("");
  docs->add_option("DOCUMENT", arguments.document)
      ->required()
      ->check(CLI::IsMember({"reference", "schema", "man-program", "man-config"}));
}

int run_probe_command(Arguments& arguments) {
  const auto timeout = read_duration("--timeout", arguments.timeout, "500ms or 2s",
                                     /*least=*/std::chrono::nanoseconds{1});
  if (!timeout) return kExitUsage;
  arguments.probe.timeout = *timeout;
  return run_probe(arguments.probe, std::cout, std::cerr);
}

int print_document(const CLI::App& app, const std::string& document) {
  if (document == "reference") std::cout << reference_markdown();
  if (document == "schema") std::cout << json_schema();
  if (document == "man-program") std::cout << program_man_page(app);
  if (document == "man-config") std::cout << reference_man_page();
  return kExitDone;
}

int dispatch(const CLI::App& app, Arguments& arguments) {
  const auto command = app.get_subcommands().front()->get_name();
  if (command == "run") return run_gateway(arguments.config_file);
  if (command == "check") return check(arguments.config_file, arguments.check);
  if (command == "config") return show_config(arguments.config_file);
  if (command == "probe") return run_probe_command(arguments);
  if (command == "bench") return arguments.bench.run();
  if (command == "ctl") return arguments.ctl.run();
  if (command == "docs") return print_document(app, arguments.document);
  std::cout << "chatgate " << kVersion << " (" << revision() << ")\n";
  return kExitDone;
}

}  // namespace

int run_command_line(int argc, const char* const* argv) {
  CLI::App app{kAbout, "chatgate"};
  Arguments arguments;
  declare(app, arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (const auto mistake = name_unknown_command(app)) {
      std::cerr << *mistake;
      return kExitUsage;
    }
    // CLI11 has codes of its own for mistakes; 0 is a --help or --version that was obeyed.
    return app.exit(error) == 0 ? kExitDone : kExitUsage;
  }
  return dispatch(app, arguments);
}

}  // namespace chatgate::service
