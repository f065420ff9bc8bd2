#include "operation.h"

#include <memory>
#include <string>
#include <string_view>

#include <benchmark/benchmark.h>

#include <chatgate/base/assert.h>
#include <chatgate/protocol/line_framer.h>
#include <chatgate/protocol/proxy_header.h>
#include <chatgate/protocol/telnet_filter.h>
#include <chatgate/protocol/text_template.h>
#include <chatgate/protocol/utf8.h>

namespace chatgate::bench {
namespace {

using benchmark::DoNotOptimize;

constexpr std::size_t kMessageMax = 4096;
constexpr std::string_view kMessage = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";  // 32 bytes.

std::string lines(std::size_t count) {
  std::string text;
  for (; count > 0; --count) text.append(kMessage).append("\n");
  return text;
}

void frame(protocol::LineFramer& framer, std::string_view input) {
  while (true) {
    const auto found = framer.next(input, kMessageMax);
    DoNotOptimize(found);
    if (found.kind == protocol::Frame::Kind::NeedMore) return;
  }
}

Repeat frame_lines(std::size_t count) {
  return repeated([framer = std::make_shared<protocol::LineFramer>(), input = lines(count)] {
    frame(*framer, input);
  });
}

Repeat frame_split_line() {
  return repeated([framer = std::make_shared<protocol::LineFramer>(), input = lines(1)] {
    frame(*framer, std::string_view{input}.substr(0, 10));
    frame(*framer, std::string_view{input}.substr(10));
  });
}

Repeat filter_telnet(std::string text) {
  return repeated([filter = std::make_shared<protocol::TelnetFilter>(), text = std::move(text),
                   reply = std::string{}]() mutable {
    std::string_view input{text};
    while (!input.empty()) {
      const auto step = filter->step(input, reply);
      DoNotOptimize(step);
    }
  });
}

Repeat render(std::string_view text) {
  return repeated([parsed = *protocol::Template::parse(text), out = std::string{}]() mutable {
    const protocol::TemplateValues values{.message = kMessage,
                                          .peer = "192.0.2.1:50000",
                                          .listener = "public",
                                          .session = 123'456,
                                          .count = 42,
                                          .connections = 1'000,
                                          .time = {}};
    out.clear();
    parsed.render(values, out);
    DoNotOptimize(out.data());
  });
}

Repeat check_utf8(std::string text) {
  return repeated([text = std::move(text), scratch = std::string{}]() mutable {
    const auto valid = protocol::replace_invalid(text, scratch);
    DoNotOptimize(valid);
  });
}

Repeat parse_proxy(std::string header) {
  return repeated([header = std::move(header)] {
    const auto parsed = protocol::parse_proxy_header(header);
    CHATGATE_ASSERT(parsed.state == protocol::ProxyParse::State::Complete);
    DoNotOptimize(parsed);
  });
}

// As HAProxy sends it to a gateway on its own machine.
std::string proxy_v2(bool has_checksum) {
  using namespace std::string_literals;
  const auto addresses = "\x7f\0\0\x01\x7f\0\0\x01\xc7\xd2\xab\x7d"s;
  const auto signature = "\r\n\r\n\0\r\nQUIT\n\x21\x11"s;
  if (!has_checksum) return signature + "\0\x0c"s + addresses;
  return signature + "\0\x13"s + addresses + "\x03\0\x04\xc3\x80\x3c\x32"s;
}

}  // namespace

std::vector<Operation> protocol_operations() {
  return {
      {"framer/short_line", 1, [] { return frame_lines(1); }},
      {"framer/16_lines", 16, [] { return frame_lines(16); }},
      {"framer/line_in_two_reads", 1, frame_split_line},
      {"proxy/v1", 1,
       [] { return parse_proxy("PROXY TCP4 192.0.2.1 198.51.100.7 50000 1935\r\n"); }},
      {"proxy/v2", 1, [] { return parse_proxy(proxy_v2(false)); }},
      {"proxy/v2_with_checksum", 1, [] { return parse_proxy(proxy_v2(true)); }},
      {"telnet/data", 1, [] { return filter_telnet(lines(1)); }},
      {"telnet/data_with_commands", 1,
       [] { return filter_telnet("xxxxxxxxxx\xff\xf1xxxxxxxxxx\xff\xffxxxxxxxxxx\n"); }},
      {"template/default_reply", 1, [] { return render("收到的信息:{message}\n"); }},
      {"template/all_placeholders", 1,
       [] {
         return render("{time} {listener} {peer} {session}/{count} of {connections}: {message}\n");
       }},
      {"utf8/ascii", 1, [] { return check_utf8(std::string{kMessage}); }},
      {"utf8/chinese", 1, [] { return check_utf8("收到的信息收到的信息"); }},
      {"utf8/invalid", 1, [] { return check_utf8("xxxxxxxxxxxxxxxx\xffxxxxxxxxxxxxxxx"); }},
  };
}

}  // namespace chatgate::bench
