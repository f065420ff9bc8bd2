#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <chatgate/base/expected.h>
#include <chatgate/base/units.h>

namespace chatgate::config {

/// Why a text is no value of its type.
struct Mistake {
  std::string message;                // Such as `must be true or false, got "yes"`.
  std::optional<std::size_t> offset;  // Of the mistake within the text, in bytes, when known.
};

template <class M>
using Parsed = base::Expected<M, Mistake>;

/// What documents, schemas and messages say about a type of scalars.
struct TypeInfo {
  enum class Form : std::uint8_t {
    Boolean,
    Whole,  // Digits, or one of `words`.
    Word,   // One of `words`, or what `pattern` describes; needs no quotes.
    Text,   // Anything; quotes are wise.
  };

  Form form = Form::Text;
  std::string name;                // In the reference: `duration`.
  std::string expected;            // In messages, after `must be`: `a duration such as 30s`.
  std::string bounds;              // In the reference: `0s to 24h`; may be empty.
  std::vector<std::string> words;  // The words that are values.
  std::string pattern;             // A regular expression (ECMA 262) for editors; may be empty.
  std::uint64_t min = 0;           // Form::Whole only.
  std::uint64_t max = 0;
  std::size_t bytes_max = 0;  // Form::Text only.
};

/// How a member of type M is read, written and described. `parse(to_text(x))` gives x again.
///
/// Threads: a constant after construction, from any thread.
template <class M>
struct Type {
  TypeInfo info;
  std::function<Parsed<M>(std::string_view)> parse;
  std::function<std::string(const M&)> to_text;
};

/// `true` or `false`; `yes`, `on` and `1` are refused.
Type<bool> boolean();
Type<std::chrono::nanoseconds> duration(std::chrono::nanoseconds min, std::chrono::nanoseconds max);
Type<base::Bytes> size(base::Bytes min, base::Bytes max);
Type<base::Rate> rate(base::Rate min, base::Rate max);

/// UTF-8 without NUL, of at most `bytes_max` bytes.
Type<std::string> text(std::size_t bytes_max);

/// `[a-z0-9-]{1,32}`: what names a listener or a service in metrics, logs and variables.
Type<std::string> name();

Parsed<std::uint64_t> parse_whole(std::string_view text, const TypeInfo& info);
TypeInfo whole_info(std::uint64_t min, std::uint64_t max);
TypeInfo choice_info(std::vector<std::string> words);
Mistake must_be(const TypeInfo& info, std::string_view got);

/// A decimal number within bounds; `070`, `0x10`, `1e3` and `+5` are refused. Becomes the Type of
/// any unsigned member that can hold `max`.
struct Whole {
  std::uint64_t min = 0;
  std::uint64_t max = 0;
  std::string zero{};  // The word for 0, such as `auto`; empty = none.

  template <std::unsigned_integral M>
  operator Type<M>() const;  // NOLINT(google-explicit-constructor): the point of this type.
};

/// One word of a closed list.
template <class E>
Type<E> choice(std::vector<std::pair<std::string, E>> choices);

template <std::unsigned_integral M>
Whole::operator Type<M>() const {
  auto info = whole_info(min, max);
  if (!zero.empty()) {
    info.words = {zero};
    info.name += " or " + zero;
    info.expected += " or " + zero;
  }
  return {info,
          [info](std::string_view text) -> Parsed<M> {
            if (!info.words.empty() && text == info.words.front()) return M{0};
            const auto number = parse_whole(text, info);
            if (!number) return base::Unexpected{number.error()};
            return static_cast<M>(*number);
          },
          [info](const M& number) {
            return number == 0 && !info.words.empty() ? info.words.front() : std::to_string(number);
          }};
}

template <class E>
Type<E> choice(std::vector<std::pair<std::string, E>> choices) {
  std::vector<std::string> words;
  for (const auto& [word, value] : choices) words.push_back(word);
  const auto info = choice_info(std::move(words));
  return {info,
          [info, choices](std::string_view text) -> Parsed<E> {
            for (const auto& [word, value] : choices) {
              if (word == text) return value;
            }
            return base::Unexpected{must_be(info, text)};
          },
          [choices](const E& value) {
            std::string found;
            for (const auto& [word, candidate] : choices) {
              if (candidate == value) found = word;
            }
            return found;
          }};
}

}  // namespace chatgate::config
