#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include <chatgate/config/type.h>
#include <chatgate/config/wording.h>

namespace chatgate::config {
namespace {

using Form = TypeInfo::Form;
using std::chrono::nanoseconds;

// Durations, sizes and rates differ only in their units.
template <class M>
Type<M> measured(TypeInfo info, std::optional<M> (*parse)(std::string_view), M min, M max) {
  info.form = Form::Word;
  info.bounds = fmt::format("{} to {}", base::to_text(min), base::to_text(max));
  return {info,
          [info, parse, min, max](std::string_view text) -> Parsed<M> {
            const auto value = parse(text);
            if (!value) return base::Unexpected{must_be(info, text)};
            if (*value < min || *value > max) {
              return base::Unexpected{Mistake{
                  fmt::format("must be within {}, got {}", info.bounds, in_quotes(text)), {}}};
            }
            return *value;
          },
          [](const M& value) { return base::to_text(value); }};
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 32 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

}  // namespace

Mistake must_be(const TypeInfo& info, std::string_view got) {
  return {
      fmt::format("must be {}, got {}{}", info.expected, in_quotes(got), nearest(got, info.words)),
      {}};
}

TypeInfo whole_info(std::uint64_t min, std::uint64_t max) {
  TypeInfo info{.form = Form::Whole, .name = "number", .min = min, .max = max};
  info.expected = fmt::format("a whole number from {} to {}", min, max);
  info.bounds = fmt::format("{} to {}", min, max);
  return info;
}

TypeInfo choice_info(std::vector<std::string> words) {
  TypeInfo info{.form = Form::Word, .name = "word", .words = std::move(words)};
  const auto last = info.words.back();
  info.expected = joined({info.words.begin(), info.words.end() - 1}) + " or " + last;
  return info;
}

Parsed<std::uint64_t> parse_whole(std::string_view text, const TypeInfo& info) {
  std::uint64_t number = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  // YAML 1.1 reads 070 as 56: whoever writes it means something else than we would understand.
  const bool octal = text.size() > 1 && text.front() == '0';
  if (error != std::errc{} || stop != end || octal || number < info.min || number > info.max) {
    return base::Unexpected{must_be(info, text)};
  }
  return number;
}

Type<bool> boolean() {
  TypeInfo info{.form = Form::Boolean, .name = "true or false", .expected = "true or false"};
  info.words = {"true", "false"};
  return {info,
          [info](std::string_view text) -> Parsed<bool> {
            if (text == "true") return true;
            if (text == "false") return false;
            return base::Unexpected{must_be(info, text)};
          },
          [](const bool& value) { return std::string{value ? "true" : "false"}; }};
}

Type<nanoseconds> duration(nanoseconds min, nanoseconds max) {
  TypeInfo info{.name = "duration",
                .expected = "a duration with its unit, such as 250ms, 30s or 5m"};
  info.pattern = "^([0-9]+(\\.[0-9]+)?(ns|us|ms|s|m|h))+$";
  return measured<nanoseconds>(std::move(info), base::parse_duration, min, max);
}

Type<base::Bytes> size(base::Bytes min, base::Bytes max) {
  TypeInfo info{.name = "size", .expected = "a size with its unit, such as 512B, 64KiB or 16MiB"};
  info.pattern = "^[0-9]+(B|KiB|MiB|GiB)$";
  return measured<base::Bytes>(std::move(info), base::parse_bytes, min, max);
}

Type<base::Rate> rate(base::Rate min, base::Rate max) {
  TypeInfo info{.name = "rate", .expected = "a rate with its unit, such as 20/s, 90/m or 5/h"};
  info.pattern = "^[0-9]+(\\.[0-9]+)?/(s|m|h)$";
  return measured<base::Rate>(std::move(info), base::parse_rate, min, max);
}

Type<std::string> text(std::size_t bytes_max) {
  TypeInfo info{.form = Form::Text, .name = "text", .bytes_max = bytes_max};
  info.expected = "text";
  info.bounds = fmt::format("at most {}", base::to_text(base::Bytes{bytes_max}));
  return {
      info,
      [bytes_max](std::string_view text) -> Parsed<std::string> {
        if (text.size() > bytes_max) {
          return base::Unexpected{Mistake{
              fmt::format("must be at most {} bytes long, got {}", bytes_max, text.size()), {}}};
        }
        if (text.find('\0') != text.npos || utf8_prefix(text) < text.size()) {
          return base::Unexpected{Mistake{"must be UTF-8 without NUL", {}}};
        }
        return std::string{text};
      },
      [](const std::string& text) { return text; }};
}

Type<std::string> name() {
  TypeInfo info{.form = Form::Text, .name = "name", .bytes_max = 32};
  info.expected = "1 to 32 of a-z, 0-9 and -";
  info.bounds = "1 to 32 of `a-z0-9-`";
  info.pattern = "^[a-z0-9-]{1,32}$";
  return {info,
          [info](std::string_view text) -> Parsed<std::string> {
            if (!is_name(text)) return base::Unexpected{must_be(info, text)};
            return std::string{text};
          },
          [](const std::string& text) { return text; }};
}

}  // namespace chatgate::config
