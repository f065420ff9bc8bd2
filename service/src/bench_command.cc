#include "chatgate/service/bench_command.h"

#include <atomic>
#include <csignal>
#include <iostream>
#include <map>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include <chatgate/base/units.h>
#include <chatgate/bench/run.h>
#include <chatgate/service/bench_report.h>
#include <chatgate/service/cli.h>
#include <chatgate/telemetry/printable_text.h>

namespace chatgate::service {
namespace {

constexpr const char* kBenchExamples =
    "Examples:\n"
    "  chatgate bench 127.0.0.1:1935                                  messages, as fast as replies "
    "come\n"
    "  chatgate bench 127.0.0.1:1935 --rate 5000/s --duration 1m      latency at a given load\n"
    "  chatgate bench 127.0.0.1:1935 --mode connection --sources 8    connect, talk, close\n"
    "  chatgate bench 127.0.0.1:1935 --mode idle --connections 10000 --server-pid 4711\n"
    "  chatgate bench 127.0.0.1:6379 --greeting-lines 0 --say PING --line-end crlf    redis\n"
    "\n"
    "With --rate the loop is open: an operation's latency counts from when it should have begun, "
    "so\n"
    "that a server which stalls shows it. Without, each reply starts the next message, and a "
    "stall\n"
    "hides what it delays. At the end, and after Ctrl-C, a table; with --json one object.\n"
    "In a preamble {n} is the client's number, for servers that want a name from each.\n"
    "Exit codes: 0 nothing failed, 1 something did (lost, refused, late or wrong), 2 usage.";

// A handler can reach nothing else.
std::atomic<bool> stop_asked{false};
static_assert(std::atomic<bool>::is_always_lock_free);

void ask_to_stop(int) { stop_asked = true; }

void stop_on_signals() {
  struct sigaction action {};
  action.sa_handler = ask_to_stop;
  action.sa_flags = SA_RESTART | static_cast<int>(SA_RESETHAND);  // The second one ends us.
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

// `\r`, `\n`, `\t` and `\\`, so that a shell's quotes suffice for a preamble of several lines.
std::string unescape(const std::string& text) {
  const std::map<char, char> meanings{{'r', '\r'}, {'n', '\n'}, {'t', '\t'}, {'\\', '\\'}};
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto meaning =
        text[i] == '\\' && i + 1 < text.size() ? meanings.find(text[i + 1]) : meanings.end();
    result += meaning == meanings.end() ? text[i] : meaning->second;
    if (meaning != meanings.end()) ++i;
  }
  return result;
}

}  // namespace

struct BenchCommand::Arguments {
  bench::Options options;
  std::size_t size = 32;
  std::optional<std::string> say;
  std::string preamble;
  std::string line_end = "lf";
  std::string rate = "0";
  std::string duration;
  std::string hold = "5s";
  std::string timeout = "10s";
  std::optional<::pid_t> server_pid;
  std::optional<std::string> admin;
  bool json = false;
  bool progress = false;

  /// Fills in `options`. Returns what is wrong with the arguments, or nothing.
  std::optional<std::string> resolve();

 private:
  std::optional<std::string> resolve_times();
};

BenchCommand::BenchCommand() : arguments_{std::make_unique<Arguments>()} {}
BenchCommand::~BenchCommand() = default;

namespace {

const std::map<std::string, bench::Mode> kModes{{"message", bench::Mode::Message},
                                                {"connection", bench::Mode::Connection},
                                                {"idle", bench::Mode::Idle}};
const std::map<std::string, bench::EngineKind> kEngines{{"auto", bench::EngineKind::Auto},
                                                        {"epoll", bench::EngineKind::Epoll},
                                                        {"io_uring", bench::EngineKind::IoUring}};

template <class Words, class Value>
void add_words(CLI::App& command, const char* name, const Words& words, Value& value,
               const char* what, const char* names) {
  command.add_option(name, value, what)
      ->transform(CLI::CheckedTransformer(words).description(""))
      ->type_name(names);
}

template <class Value>
CLI::Option* add(CLI::App& command, const char* name, Value& value, const char* what,
                 const char* type) {
  return command.add_option(name, value, what)->type_name(type);
}

void declare_load(CLI::App& command, bench::Options& options) {
  add_words(command, "--mode", kModes, options.mode, "What one operation is [message]",
            "message|connection|idle");
  add(command, "--connections", options.connections, "At one time", "N")->capture_default_str();
  add(command, "--window", options.window, "Unanswered messages of a connection", "N")
      ->capture_default_str();
  add(command, "--idle-connections", options.idle_connections, "Others, held silent meanwhile", "N")
      ->capture_default_str();
  add(command, "--operations", options.operations, "End after so many", "N");
  add(command, "--warmup", options.warmup, "Operations that are not measured, first", "N");
  add(command, "--sources", options.sources, "Come from 127.0.0.1 to 127.0.0.N", "N")
      ->capture_default_str();
  add(command, "--threads", options.threads, "Of the client", "N")->capture_default_str();
  add_words(command, "--engine", kEngines, options.engine, "How to talk to the kernel [auto]",
            "auto|epoll|io_uring");
  command.add_flag("--talk", options.talk, "Idle mode: one message and its reply before idling");
}

}  // namespace

void BenchCommand::declare(CLI::App& app) {
  auto& arguments = *arguments_;
  auto& options = arguments.options;
  auto& command = *app.add_subcommand("bench", "Load a server of lines, and measure it");
  command.footer(kBenchExamples);
  command.add_option("ADDRESS", options.address, "HOST:PORT, [V6]:PORT or unix:/path")->required();
  declare_load(command, options);
  add(command, "--rate", arguments.rate, "Open loop: operations a second in total", "R/s");
  add(command, "--duration", arguments.duration, "End after [10s, without --operations]",
      "DURATION");
  add(command, "--hold", arguments.hold, "Idle mode: how long", "DURATION")->capture_default_str();
  add(command, "--timeout", arguments.timeout, "For a connection to make progress", "DURATION")
      ->capture_default_str();

  add(command, "--size", arguments.size, "Bytes of a message without its end", "N")
      ->capture_default_str();
  add(command, "--say", arguments.say, "The message, instead of --size bytes 'x'", "TEXT")
      ->excludes("--size");
  command.add_option("--line-end", arguments.line_end, "Of a message")
      ->check(CLI::IsMember({"lf", "crlf"}))
      ->type_name("lf|crlf")
      ->capture_default_str();
  add(command, "--greeting-lines", options.greeting_lines, "That the server says first", "N")
      ->capture_default_str();
  add(command, "--preamble", arguments.preamble, "Said once, first; knows \\r \\n \\t \\\\ {n}",
      "TEXT");
  add(command, "--preamble-replies", options.preamble_replies, "Lines that reply to it", "N");
  add(command, "--reply-lines", options.reply_lines, "Of each message", "N")->capture_default_str();

  add(command, "--ignore", options.ignore, "Lines of the server that begin so do not count",
      "TEXT");

  add(command, "--server-pid", arguments.server_pid, "Tell what this process uses", "PID");
  add(command, "--admin", arguments.admin, "Or what the gateway's admin endpoint tells",
      "HOST:PORT");
  command.add_flag("--json", arguments.json, "Print one JSON object instead of a table");
  command.add_flag("--progress", arguments.progress,
                   "Show a live line though stderr is no terminal");
}

std::optional<std::string> BenchCommand::Arguments::resolve_times() {
  const auto read = [](const char* option, const std::string& text,
                       std::chrono::nanoseconds& value) -> std::optional<std::string> {
    const auto parsed = base::parse_duration(text);
    if (!parsed) {
      return std::string{option} + ": expected a duration such as 500ms or 10s, got '" + text + "'";
    }
    value = *parsed;
    return std::nullopt;
  };
  if (auto mistake = read("--hold", hold, options.hold)) return mistake;
  if (auto mistake = read("--timeout", timeout, options.timeout)) return mistake;
  const bool endless = options.mode != bench::Mode::Idle && options.operations == 0;
  if (duration.empty() && endless) duration = "10s";
  if (duration.empty()) return std::nullopt;
  return read("--duration", duration, options.duration);
}

std::optional<std::string> BenchCommand::Arguments::resolve() {
  if (rate != "0") {
    const auto parsed = base::parse_rate(rate);
    if (!parsed) return "--rate: expected a rate such as 5000/s, got '" + rate + "'";
    options.rate = parsed->per_second;
  }
  if (auto mistake = resolve_times()) return mistake;
  options.message = say ? *say : std::string(std::min(size, bench::kMessageBytesMax + 1), 'x');
  options.line_end = line_end == "crlf" ? "\r\n" : "\n";
  options.preamble = unescape(preamble);
  options.server_pid = server_pid;
  options.admin_address = admin;
  return bench::find_mistake(options);
}

int BenchCommand::run() {
  auto& arguments = *arguments_;
  if (const auto mistake = arguments.resolve()) {
    std::cerr << "chatgate bench: " << *mistake << '\n';
    return kExitUsage;
  }
  const bool live = arguments.progress || ::isatty(STDERR_FILENO) == 1;
  bool shown = false;
  stop_on_signals();
  const auto result =
      bench::run(arguments.options, stop_asked, [&](const bench::Progress& progress) {
        if (!live) return;
        std::cerr << '\r' << progress_line(progress) << "\x1b[K" << std::flush;
        shown = true;
      });
  if (shown) std::cerr << "\r\x1b[K" << std::flush;
  if (!result) {
    std::cerr << "chatgate bench: " << telemetry::printable_text(result.error()) << '\n';
    return kExitUnhealthy;
  }
  std::cout << (arguments.json ? bench_json(arguments.options, *result) + "\n"
                               : bench_table(arguments.options, *result));
  return (*result).errors + (*result).refused > 0 ? kExitUnhealthy : kExitDone;
}

}  // namespace chatgate::service
