#include "load_options.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <stdexcept>
#include <string_view>

#include <fmt/format.h>
#include <getopt.h>

namespace chatgate::bench {

const char* const kLoadUsage =
    "Usage: load messages|connection|idle --port N [OPTION]...\n"
    "  messages    say lines over a fixed set of connections\n"
    "  connection  connect, read the greeting, say a line, read the reply, close; again\n"
    "  idle        connect, read the greeting, print the result, hold on until stdin ends\n"
    "  --connections N  at one time (50)\n"
    "  --window N       unanswered lines of a connection (1)\n"
    "  --size N         bytes of a line without its end (32)\n"
    "  --messages N     lines, or conversations, in total (100000)\n"
    "  --seconds N      give up after (60)\n"
    "  --sources N      addresses to come from: 127.0.0.1 to 127.0.0.N (1, at most 250)\n";

namespace {

std::size_t number(const char* text, std::size_t least, std::size_t most) {
  char* end = nullptr;
  const auto value = std::strtoull(text, &end, 10);
  if (end == text || *end != '\0' || value < least || value > most) {
    throw std::invalid_argument{fmt::format("'{}' is not within {} and {}", text, least, most)};
  }
  return value;
}

}  // namespace

LoadOptions parse_load_options(int argc, char** argv) {
  constexpr std::array<::option, 8> kLong{{{"port", required_argument, nullptr, 'p'},
                                           {"connections", required_argument, nullptr, 'c'},
                                           {"window", required_argument, nullptr, 'w'},
                                           {"size", required_argument, nullptr, 's'},
                                           {"messages", required_argument, nullptr, 'm'},
                                           {"seconds", required_argument, nullptr, 't'},
                                           {"sources", required_argument, nullptr, 'a'},
                                           {nullptr, 0, nullptr, 0}}};
  LoadOptions options;
  int letter = 0;
  while ((letter = ::getopt_long(argc, argv, "", kLong.data(), nullptr)) != -1) {
    switch (letter) {
      case 'p':
        options.port = static_cast<std::uint16_t>(number(optarg, 1, 65'535));
        break;
      case 'c':
        options.connections = number(optarg, 1, 19'990);
        break;
      case 'w':
        options.window = number(optarg, 1, 64);
        break;
      case 's':
        options.size = number(optarg, 0, 1'000);
        break;
      case 'm':
        options.messages = number(optarg, 1, 1'000'000'000);
        break;
      case 't':
        options.seconds = std::chrono::seconds{number(optarg, 1, 3'600)};
        break;
      case 'a':
        options.sources = static_cast<unsigned>(number(optarg, 1, 250));
        break;
      default:
        throw std::invalid_argument{"unknown option"};
    }
  }
  const std::string_view mode = optind + 1 == argc ? argv[optind] : "";
  if (options.port == 0) throw std::invalid_argument{"--port is missing"};
  if (mode == "connection") {
    options.mode = Mode::Connection;
    options.connections = std::min(options.connections, options.messages);
  } else if (mode == "idle") {
    options.mode = Mode::Idle;
  } else if (mode != "messages") {
    throw std::invalid_argument{"one mode is needed"};
  }
  return options;
}

}  // namespace chatgate::bench
