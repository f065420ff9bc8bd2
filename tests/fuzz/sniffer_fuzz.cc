#include "fuzz_input.h"

#include <array>
#include <cstdint>
#include <regex>
#include <string>
#include <string_view>

#include <chatgate/base/assert.h>
#include <chatgate/protocol/sniffer.h>

namespace {

using chatgate::fuzz::FuzzInput;
using chatgate::protocol::Sniffer;
using chatgate::protocol::WrongProtocol;

struct Grammar {
  std::regex beginning;
  WrongProtocol protocol;
};

// What the first bytes say, read off the grammars.
Sniffer::Verdict expected(std::string_view stream) {
  static const std::array kGrammars{
      Grammar{std::regex{"\x16\x03[\\x00-\\x04]"}, WrongProtocol::Tls},
      Grammar{std::regex{"SSH-"}, WrongProtocol::Ssh},
      Grammar{std::regex{"PROXY (TCP[46] |UNKNOWN)"}, WrongProtocol::Proxy},
      Grammar{std::regex{"\r\n\r\n\\x00\r\nQUIT\n"}, WrongProtocol::Proxy},
      Grammar{std::regex{"(GET|HEAD|POST|PUT|DELETE|PATCH|TRACE|OPTIONS) (/|http)"},
              WrongProtocol::Http},
      Grammar{std::regex{"(OPTIONS|PRI) \\*"}, WrongProtocol::Http},
      Grammar{std::regex{"CONNECT [a-zA-Z0-9.-]+:[0-9]"}, WrongProtocol::Http}};

  const std::string bytes{stream.substr(0, Sniffer::kBytesMax)};
  for (const auto& grammar : kGrammars) {
    const auto at_front = std::regex_constants::match_continuous;
    if (std::regex_search(bytes, grammar.beginning, at_front)) return grammar.protocol;
  }
  return std::nullopt;
}

}  // namespace

// Reads of any sizes end in the one verdict that the grammars give.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput input{data, size};
  const auto sizes = input.take(input.take_byte() % 8U);

  Sniffer sniffer;
  Sniffer::Verdict verdict;
  chatgate::fuzz::for_each_read(input.rest(), sizes, [&](std::string_view read) {
    if (sniffer.done()) return;
    verdict = sniffer.feed(read);
    CHATGATE_ASSERT(!verdict || sniffer.done());
  });
  CHATGATE_ASSERT(verdict == expected(input.rest()));
  CHATGATE_ASSERT(sniffer.done() || input.rest().size() < Sniffer::kBytesMax);
  return 0;
}
