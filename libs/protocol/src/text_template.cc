#include <algorithm>
#include <array>
#include <charconv>
#include <numeric>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include <chatgate/base/assert.h>
#include <chatgate/protocol/text_template.h>

namespace chatgate::protocol {
namespace {

struct Name {
  std::string_view text;
  Placeholder placeholder;
};

constexpr std::array kNames{Name{"message", Placeholder::Message},
                            Name{"peer", Placeholder::Peer},
                            Name{"listener", Placeholder::Listener},
                            Name{"session", Placeholder::Session},
                            Name{"time", Placeholder::Time},
                            Name{"count", Placeholder::Count},
                            Name{"connections", Placeholder::Connections},
                            Name{"subject", Placeholder::Subject}};

constexpr std::size_t kNumberBytesMax = 20;
constexpr std::size_t kTimeBytes = 20;

// A name further off than this is no slip of the fingers.
constexpr std::size_t kTypoDistanceMax = 2;

// The name that an operator may not have meant is not worth more than this of an error message.
constexpr std::size_t kQuotedBytesMax = 32;

constexpr std::uint8_t bit_of(Placeholder placeholder) {
  return static_cast<std::uint8_t>(1U << static_cast<unsigned>(placeholder));
}

std::optional<Placeholder> find_name(std::string_view text) {
  for (const auto& name : kNames) {
    if (name.text == text) return name.placeholder;
  }
  return std::nullopt;
}

// Levenshtein's distance, a row at a time.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    auto diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const auto replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

std::string unknown_name(std::string_view text) {
  if (text.size() > kQuotedBytesMax) return "unknown placeholder; write {{ for a brace";

  const Name* nearest = nullptr;
  auto distance = kTypoDistanceMax + 1;
  for (const auto& name : kNames) {
    const auto found = edit_distance(text, name.text);
    if (found >= distance) continue;
    distance = found;
    nearest = &name;
  }
  if (nearest != nullptr) {
    return fmt::format("unknown placeholder {{{}}}; did you mean {{{}}}?", text, nearest->text);
  }
  std::string known;
  for (const auto& name : kNames) known += fmt::format(" {{{}}}", name.text);
  return fmt::format("unknown placeholder {{{}}}; known are{}", text, known);
}

void append_number(std::uint64_t number, std::string& out) {
  std::array<char, kNumberBytesMax> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

void append_padded(unsigned number, std::size_t width, std::string& out) {
  out.append(width, '0');
  for (auto digit = out.rbegin(); number != 0; number /= 10) {
    *digit++ = static_cast<char>('0' + number % 10);
  }
}

// gmtime_r would do, at ten times the price.
void append_time(std::chrono::system_clock::time_point time, std::string& out) {
  using namespace std::chrono;
  const auto day = floor<days>(time);
  const year_month_day date{day};
  const hh_mm_ss clock{floor<seconds>(time - day)};
  append_padded(static_cast<unsigned>(static_cast<int>(date.year())), 4, out);
  out += '-';
  append_padded(static_cast<unsigned>(date.month()), 2, out);
  out += '-';
  append_padded(static_cast<unsigned>(date.day()), 2, out);
  out += 'T';
  append_padded(static_cast<unsigned>(clock.hours().count()), 2, out);
  out += ':';
  append_padded(static_cast<unsigned>(clock.minutes().count()), 2, out);
  out += ':';
  append_padded(static_cast<unsigned>(clock.seconds().count()), 2, out);
  out += 'Z';
}

void append_value(Placeholder placeholder, const TemplateValues& values, std::string& out) {
  switch (placeholder) {
    case Placeholder::Message:
      out += values.message;
      return;
    case Placeholder::Peer:
      CHATGATE_ASSERT(values.peer.size() <= kPeerBytesMax);
      out += values.peer;
      return;
    case Placeholder::Listener:
      CHATGATE_ASSERT(values.listener.size() <= kListenerBytesMax);
      out += values.listener;
      return;
    case Placeholder::Session:
      return append_number(values.session, out);
    case Placeholder::Time:
      return append_time(values.time, out);
    case Placeholder::Count:
      return append_number(values.count, out);
    case Placeholder::Connections:
      return append_number(values.connections, out);
    case Placeholder::Subject:
      CHATGATE_ASSERT(values.subject.size() <= kSubjectBytesMax);
      out += values.subject;
      return;
  }
}

std::size_t value_size_max(Placeholder placeholder, std::size_t message_bytes_max) {
  switch (placeholder) {
    case Placeholder::Message:
      return message_bytes_max;
    case Placeholder::Peer:
      return kPeerBytesMax;
    case Placeholder::Listener:
      return kListenerBytesMax;
    case Placeholder::Subject:
      return kSubjectBytesMax;
    case Placeholder::Time:
      return kTimeBytes;
    case Placeholder::Session:
    case Placeholder::Count:
    case Placeholder::Connections:
      break;
  }
  return kNumberBytesMax;
}

}  // namespace

base::Expected<Template, TemplateError> Template::parse(std::string_view text) {
  const auto fail = [](std::size_t offset, std::string message) {
    return base::Unexpected{TemplateError{offset, std::move(message)}};
  };
  Template parsed;
  std::size_t at = 0;
  while (at < text.size()) {
    const auto brace = std::min(text.find_first_of("{}", at), text.size());
    parsed.text_ += text.substr(at, brace - at);
    at = brace;
    if (at == text.size()) break;

    const auto rest = text.substr(at);
    if (rest.starts_with("{{") || rest.starts_with("}}")) {
      parsed.text_ += rest.front();
      at += 2;
      continue;
    }
    if (rest.front() == '}') return fail(at, "single }; write }} for a brace");
    const auto end = rest.find_first_of("{}\n", 1);
    if (end == std::string_view::npos || rest[end] != '}') {
      return fail(at, "{ without }; write {{ for a brace");
    }
    const auto name = rest.substr(1, end - 1);
    const auto placeholder = find_name(name);
    if (!placeholder) return fail(at, unknown_name(name));
    parsed.parts_.push_back({parsed.text_.size(), *placeholder});
    parsed.used_ |= bit_of(*placeholder);
    parsed.uses_message_alone_ = parsed.used_ == bit_of(Placeholder::Message);
    at += end + 1;
  }
  return parsed;
}

void Template::render(const TemplateValues& values, std::string& out) const {
  std::size_t begin = 0;
  for (const auto& part : parts_) {
    out.append(text_, begin, part.text_end - begin);
    begin = part.text_end;
    if (part.placeholder == Placeholder::Message) [[likely]] {
      out += values.message;
    } else {
      append_value(part.placeholder, values, out);
    }
  }
  out.append(text_, begin);
}

bool Template::uses(Placeholder placeholder) const { return (used_ & bit_of(placeholder)) != 0; }

std::size_t Template::size_max(std::size_t message_bytes_max) const {
  std::size_t size = text_.size();
  for (const auto& part : parts_) size += value_size_max(part.placeholder, message_bytes_max);
  return size;
}

}  // namespace chatgate::protocol
