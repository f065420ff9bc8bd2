#include <cstdint>
#include <string>
#include <string_view>

#include <chatgate/base/assert.h>
#include <chatgate/protocol/text_template.h>

namespace {

using chatgate::protocol::Template;
using chatgate::protocol::TemplateValues;

std::string render(const Template& parsed, const TemplateValues& values) {
  std::string out;
  parsed.render(values, out);
  return out;
}

std::string escape(std::string_view text) {
  std::string escaped;
  for (const char byte : text) {
    escaped += byte;
    if (byte == '{' || byte == '}') escaped += byte;
  }
  return escaped;
}

}  // namespace

// Any text parses or is refused at a place within it; no rendering passes the size foretold; and
// any text, escaped, renders as itself.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const TemplateValues values{.message = "a message",
                              .peer = "[::1]:1935",
                              .listener = "public",
                              .session = ~std::uint64_t{0},
                              .count = 0,
                              .connections = 10'000,
                              .time = {}};

  const auto parsed = Template::parse(text);
  if (parsed) {
    const auto rendered = render(*parsed, values);
    CHATGATE_ASSERT(rendered.size() <= parsed->size_max(values.message.size()));
    CHATGATE_ASSERT(!parsed->is_literal() || rendered == parsed->literal());
  } else {
    CHATGATE_ASSERT(parsed.error().offset < text.size());
    CHATGATE_ASSERT(text[parsed.error().offset] == '{' || text[parsed.error().offset] == '}');
    CHATGATE_ASSERT(!parsed.error().message.empty());
  }

  const auto literal = Template::parse(escape(text));
  CHATGATE_ASSERT(literal.has_value() && literal->is_literal());
  CHATGATE_ASSERT(literal->literal() == text);
  return 0;
}
