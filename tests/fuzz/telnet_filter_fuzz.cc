#include "fuzz_input.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <chatgate/base/assert.h>
#include <chatgate/protocol/telnet_filter.h>

namespace {

using chatgate::fuzz::FuzzInput;
using chatgate::protocol::TelnetFilter;

// Data and events in order; an event's byte is escaped by a 0 before it, a data byte by a 1.
struct Outcome {
  std::string stream;
  std::string reply;
  bool character_mode = false;
  bool binary = false;

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

void read_stream(TelnetFilter& filter, std::string_view read, Outcome& outcome) {
  while (!read.empty()) {
    const auto before = read.size();
    const auto step = filter.step(read, outcome.reply);
    CHATGATE_ASSERT(read.size() < before);
    CHATGATE_ASSERT(step.data.empty() || step.event == TelnetFilter::Event::None);
    for (const char byte : step.data) (outcome.stream += '\1') += byte;
    if (step.event == TelnetFilter::Event::None) continue;
    const bool abuse = step.event == TelnetFilter::Event::AbuseLimit;
    // A session ends with the first, so how often it is said again does not matter.
    if (abuse && outcome.stream.ends_with(std::string_view{"\0a", 2})) continue;
    (outcome.stream += '\0') += abuse ? 'a' : 'c';
  }
}

Outcome converse(std::string_view stream, std::string_view sizes) {
  TelnetFilter filter;
  Outcome outcome;
  chatgate::fuzz::for_each_read(stream, sizes, [&](std::string_view read) {
    const std::vector<char> copy{read.begin(), read.end()};
    read_stream(filter, {copy.data(), copy.size()}, outcome);
  });
  outcome.character_mode = filter.character_mode();
  outcome.binary = filter.binary();
  return outcome;
}

}  // namespace

// Reads of any sizes give the same data, events and answers, and the answers keep their bound.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput input{data, size};
  const auto sizes = input.take(input.take_byte() % 8U);
  const auto stream = input.rest();

  const auto whole = converse(stream, {});
  CHATGATE_ASSERT(whole == converse(stream, sizes));
  CHATGATE_ASSERT((whole == converse(stream, std::string_view{"\0", 1})));

  CHATGATE_ASSERT(whole.reply.size() <= 4 * stream.size());
  CHATGATE_ASSERT(whole.stream.size() <= 2 * stream.size());
  const bool commands = stream.find(chatgate::protocol::kTelnetIac) != std::string_view::npos;
  CHATGATE_ASSERT(commands || (whole.reply.empty() && whole.stream.size() == 2 * stream.size()));
  return 0;
}
