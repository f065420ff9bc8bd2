#include "ctl_command.h"

#include <cstdint>
#include <functional>
#include <iostream>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include <chatgate/base/units.h>
#include <chatgate/ctl/control.h>
#include <chatgate/service/cli.h>

namespace chatgate::service {
namespace {

constexpr const char* kExamples =
    "Examples:\n"
    "  chatgate ctl status\n"
    "  chatgate ctl connections --sort -received_bytes --filter 'source=10.0.0.0/8,idle>5m'\n"
    "  chatgate ctl closed --filter reason=slow_soft\n"
    "  chatgate ctl close 4711                        politely; --abort resets\n"
    "  chatgate ctl close --filter source=192.0.2.7\n"
    "  chatgate ctl reload                            exit code 78 when the file has mistakes\n"
    "  chatgate ctl --admin unix:/run/chatgate/admin.sock top\n"
    "  chatgate ctl --admin https://gate.example:9464 --ca ca.pem --token-file token drain\n"
    "\n"
    "A filter is COLUMN=VALUE, or != < <= > >= for =, several joined by commas; the columns are\n"
    "those of the JSON (--json), source is the peer's address, times are 5m or a number of "
    "seconds.\n"
    "Exit codes: 0 done, 1 the gateway was not reached or said no, 2 usage,\n"
    "78 the reload found mistakes.";

int exit_code(ctl::Outcome outcome) {
  switch (outcome) {
    case ctl::Outcome::Done:
      return kExitDone;
    case ctl::Outcome::Failed:
      return kExitUnhealthy;
    case ctl::Outcome::BadConfig:
      return kExitBadConfig;
  }
  return kExitUnhealthy;
}

int wrong_usage(const std::string& why) {
  std::cerr << "chatgate ctl: " << why << '\n';
  return kExitUsage;
}

void declare_list(CLI::App& command, ctl::ListWish& wish, const char* example) {
  command.add_option("--sort", wish.sort, "A column; with - in front from the greatest down")
      ->type_name("COLUMN");
  command.add_option("--filter", wish.filter, example)->type_name("CONDITIONS");
  command.add_option("--limit", wish.limit, "Rows at most")
      ->check(CLI::Range(0, 10'000).description(""))
      ->capture_default_str()
      ->type_name("N");
}

}  // namespace

struct CtlCommand::Arguments {
  ctl::ClientOptions client;
  std::string timeout = "10s";
  bool json = false;
  ctl::ListWish wish;
  bool watch = false;
  bool abort = false;
  std::optional<std::uint64_t> id;
  std::string source;
  bool of_all = false;
  std::string level;
  std::string interval = "2s";
  ctl::Pace pace;
  std::function<ctl::Outcome(const ctl::Control&)> act;

  void declare_lists(CLI::App& command);
  void declare_controls(CLI::App& command);
  void declare_pace(CLI::App& command);
  CLI::App& add(CLI::App& command, const char* name, const char* what,
                ctl::Outcome (ctl::Control::*function)() const);
  std::optional<std::string> find_mistake();
};

CtlCommand::CtlCommand() : arguments_{std::make_unique<Arguments>()} {}
CtlCommand::~CtlCommand() = default;

CLI::App& CtlCommand::Arguments::add(CLI::App& command, const char* name, const char* what,
                                     ctl::Outcome (ctl::Control::*function)() const) {
  auto* const added = command.add_subcommand(name, what);
  // `ctl status --json` is what people write.
  added->fallthrough();
  if (function != nullptr) {
    added->callback([this, function] {
      act = [function](const ctl::Control& control) { return (control.*function)(); };
    });
  }
  return *added;
}

void CtlCommand::Arguments::declare_pace(CLI::App& command) {
  command.add_option("--interval", interval, "From one view to the next")
      ->capture_default_str()
      ->type_name("DURATION");
  command.add_option("--rounds", pace.rounds, "Views, then end; 0 = until Ctrl-C")
      ->capture_default_str()
      ->type_name("N");
}

void CtlCommand::Arguments::declare_lists(CLI::App& command) {
  auto& connections = add(command, "connections", "List open sessions", nullptr);
  declare_list(connections, wish, "Such as source=10.0.0.0/8,listener=public,idle>5m");
  connections.add_flag("--watch", watch, "Again and again");
  declare_pace(connections);
  connections.callback([this] {
    act = [this](const ctl::Control& control) {
      return watch ? control.watch_connections(wish, pace) : control.connections(wish);
    };
  });
  auto& closed = add(command, "closed", "List the sessions that ended last, with reasons", nullptr);
  declare_list(closed, wish, "Such as reason=idle_timeout,source=192.0.2.7");
  closed.callback(
      [this] { act = [this](const ctl::Control& control) { return control.closed(wish); }; });
  auto& penalties = add(command, "penalties", "List the sources that pay a penalty", nullptr);
  declare_list(penalties, wish, "Such as refused=true");
  penalties.callback(
      [this] { act = [this](const ctl::Control& control) { return control.penalties(wish); }; });
  auto& top = add(command, "top", "Watch the busiest sessions; keys sort, q quits", nullptr);
  declare_pace(top);
  top.callback([this] { act = [this](const ctl::Control& control) { return control.top(pace); }; });
}

void CtlCommand::Arguments::declare_controls(CLI::App& command) {
  auto& close = add(command, "close", "End a session, or all that meet a filter", nullptr);
  auto* const one = close.add_option("ID", id, "As connections lists it");
  close.add_option("--filter", wish.filter, "Such as source=192.0.2.7")
      ->type_name("CONDITIONS")
      ->excludes(one);
  close.add_flag("--abort", abort, "By a reset, without a goodbye");
  close.callback([this] {
    // An empty filter is everybody: that is a drain.
    if (!id && wish.filter.empty()) throw CLI::RequiredError("close: an ID or --filter");
    act = [this](const ctl::Control& control) {
      return id ? control.close(*id, abort) : control.close_all(wish.filter, abort);
    };
  });
  auto& forgive =
      add(command, "forgive", "Forget the penalties of a source, or with --all of all", nullptr);
  auto* const one_source = forgive.add_option("SOURCE", source, "Its address");
  forgive.add_flag("--all", of_all, "Of every source")->excludes(one_source);
  forgive.callback([this] {
    if (source.empty() && !of_all) throw CLI::RequiredError("forgive: a SOURCE or --all");
    act = [this](const ctl::Control& control) { return control.forgive(source); };
  });
  auto& overload = add(command, "overload", "Defend the gateway by hand, or stop it", nullptr);
  overload.require_subcommand(1);
  add(overload, "force", "Refuse newcomers early and hurry the silent, until released",
      &ctl::Control::force_overload);
  add(overload, "release", "End what was forced", &ctl::Control::release_overload);
  add(command, "drain", "Start the graceful shutdown; a second one hurries it",
      &ctl::Control::drain);
  add(command, "undrain", "Take a drain back, until the listeners close", &ctl::Control::undrain);
  add(command, "reload", "Read the configuration again: all of it or nothing",
      &ctl::Control::reload);
  auto& log_level =
      add(command, "log-level", "Change the log level until the next reload", nullptr);
  log_level.add_option("LEVEL", level, "trace, debug, info, warn or error")
      ->required()
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error"}));
  log_level.callback([this] {
    act = [this](const ctl::Control& control) { return control.set_log_level(level); };
  });
}

void CtlCommand::declare(CLI::App& app) {
  auto& command = *app.add_subcommand("ctl", "See and control a running gateway");
  auto& arguments = *arguments_;
  command.footer(kExamples);
  command.require_subcommand(1);
  command
      .add_option("--admin", arguments.client.admin,
                  "Its admin.address: HOST:PORT, https://HOST:PORT or unix:/path")
      ->capture_default_str()
      ->type_name("ADDRESS");
  command.add_option("--ca", arguments.client.ca, "Who signed the certificate of https://HOST")
      ->type_name("FILE");
  command.add_option("--token-file", arguments.client.token_file, "As admin.token_file")
      ->type_name("FILE");
  command.add_option("--timeout", arguments.timeout, "For one request")
      ->capture_default_str()
      ->type_name("DURATION");
  command.add_flag("--json", arguments.json, "Print what the gateway answers, for machines");
  arguments.add(command, "status", "Show the gateway at a glance", &ctl::Control::status);
  arguments.declare_lists(command);
  arguments.declare_controls(command);
}

std::optional<std::string> CtlCommand::Arguments::find_mistake() {
  const auto read = [](const char* option, const std::string& text,
                       std::chrono::nanoseconds& value) -> std::optional<std::string> {
    const auto parsed = base::parse_duration(text);
    if (!parsed || parsed->count() <= 0) {
      return std::string{option} + ": expected a duration such as 500ms or 2s, got '" + text + "'";
    }
    value = *parsed;
    return std::nullopt;
  };
  if (auto mistake = read("--timeout", timeout, client.timeout)) return mistake;
  return read("--interval", interval, pace.interval);
}

int CtlCommand::run() {
  auto& arguments = *arguments_;
  if (const auto mistake = arguments.find_mistake()) return wrong_usage(*mistake);
  const ctl::Control control{ctl::Client{arguments.client}, arguments.json, std::cout, std::cerr};
  return exit_code(arguments.act(control));
}

}  // namespace chatgate::service
