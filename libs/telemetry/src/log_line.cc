#include "log_line.h"

#include "utf8.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ratio>

#include <fmt/chrono.h>

namespace chatgate::telemetry {
namespace {

using std::chrono::microseconds;
using std::chrono::nanoseconds;

struct LevelWords {
  std::string_view name;
  char priority;  // syslog(3)
};

constexpr std::array<LevelWords, 5> kLevels{
    {{"trace", '7'}, {"debug", '7'}, {"info", '6'}, {"warn", '4'}, {"error", '3'}}};

const LevelWords& words_of(LogLevel level) { return kLevels[static_cast<std::size_t>(level)]; }

void append(LineBuffer& out, std::string_view text) {
  out.append(text.data(), text.data() + text.size());
}

template <class... Args>
void append_format(LineBuffer& out, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(fmt::appender(out), format, std::forward<Args>(args)...);
}

// `number` with zeros in front, `digits` in all.
void append_padded(LineBuffer& out, std::uint64_t number, std::size_t digits) {
  const fmt::format_int text{number};
  for (auto missing = digits; missing > text.size(); --missing) out.push_back('0');
  append(out, {text.data(), text.size()});
}

// Seconds with `digits` decimals, rounded to the nearest.
void append_seconds(LineBuffer& out, nanoseconds duration, std::size_t digits) {
  std::int64_t unit = std::nano::den;  // Nanoseconds of the last digit.
  std::uint64_t units_per_second = 1;
  for (std::size_t i = 0; i < digits; ++i) {
    unit /= 10;
    units_per_second *= 10;
  }
  if (duration.count() < 0) out.push_back('-');
  const auto size = static_cast<std::uint64_t>(std::abs(duration.count()) + unit / 2) /
                    static_cast<std::uint64_t>(unit);
  append_padded(out, size / units_per_second, 1);
  out.push_back('.');
  append_padded(out, size % units_per_second, digits);
}

// The date and the second change rarely, and are dear: each thread keeps the last.
void append_time(LineBuffer& out, microseconds time) {
  struct Second {
    std::chrono::seconds since_1970{-1};
    std::array<char, sizeof "2026-11-23T05:06:07."> text;
  };
  thread_local Second last;
  const auto second = std::chrono::floor<std::chrono::seconds>(time);
  if (second != last.since_1970) {
    last.since_1970 = second;
    fmt::format_to_n(last.text.data(), last.text.size(), "{:%Y-%m-%dT%H:%M:%S}.",
                     fmt::gmtime(static_cast<std::time_t>(second.count())));
  }
  append(out, {last.text.data(), last.text.size() - 1});
  append_padded(out, static_cast<std::uint64_t>((time - second).count()), 6);
  out.push_back('Z');
}

// Whether the value stands in a text line as it is: a reader splits at spaces and `=`.
bool is_bare(std::string_view text) {
  if (text.empty()) return false;
  const auto is_bare_ascii = [](char c) {
    return c > ' ' && c < '\x7f' && c != '"' && c != '=' && c != '\\';
  };
  text.remove_prefix(static_cast<std::size_t>(
      std::find_if_not(text.begin(), text.end(), is_bare_ascii) - text.begin()));
  while (!text.empty()) {
    const auto c = take_utf8(text).code_point;
    if (!c || is_control(*c)) return false;
    if (*c == ' ' || *c == '"' || *c == '=' || *c == '\\') return false;
  }
  return true;
}

void append_quoted(LineBuffer& out, std::string_view text) {
  out.push_back('"');
  append_escaped(out, text);
  out.push_back('"');
}

void append_json_string(LineBuffer& out, std::string_view text) {
  out.push_back('"');
  while (!text.empty()) {
    const auto unit = take_utf8(text);
    if (!unit.code_point) {
      append(out, "\\ufffd");
    } else if (*unit.code_point == '"' || *unit.code_point == '\\') {
      out.push_back('\\');
      append(out, unit.bytes);
    } else if (is_control(*unit.code_point)) {
      append_format(out, "\\u{:04x}", static_cast<std::uint32_t>(*unit.code_point));
    } else {
      append(out, unit.bytes);
    }
  }
  out.push_back('"');
}

std::string_view digits(const fmt::format_int& number) { return {number.data(), number.size()}; }

// The values that look alike in every format.
struct NumberWriter {
  LineBuffer& out;

  void operator()(std::int64_t value) const { append(out, digits(fmt::format_int{value})); }
  void operator()(std::uint64_t value) const { append(out, digits(fmt::format_int{value})); }
  void operator()(double value) const { append_format(out, "{}", value); }
  void operator()(bool value) const { append(out, value ? "true" : "false"); }
};

struct TextWriter : NumberWriter {
  using NumberWriter::operator();

  void operator()(std::string_view value) const {
    is_bare(value) ? append(out, value) : append_quoted(out, value);
  }
  void operator()(nanoseconds value) const {
    append_seconds(out, value, 3);
    out.push_back('s');
  }
};

struct JsonWriter : NumberWriter {
  using NumberWriter::operator();

  void operator()(std::string_view value) const { append_json_string(out, value); }
  // JSON has no word for an infinity (RFC 8259, 6).
  void operator()(double value) const {
    std::isfinite(value) ? NumberWriter::operator()(value) : append(out, "null");
  }
  void operator()(nanoseconds value) const { append_seconds(out, value, 6); }
};

struct JournalWriter : NumberWriter {
  using NumberWriter::operator();

  void operator()(std::string_view value) const { append_escaped(out, value); }
  void operator()(nanoseconds value) const { append_seconds(out, value, 6); }
};

void append_text(LineBuffer& out, const LogEvent& event) {
  append(out, words_of(event.level).name);
  append(out, " event=");
  TextWriter{{out}}(event.name);
  for (const auto& field : event.fields) {
    out.push_back(' ');
    append(out, field.name);
    out.push_back('=');
    std::visit(TextWriter{{out}}, field.value);
  }
}

void append_json(LineBuffer& out, const LogEvent& event) {
  append_format(out, "\"level\":\"{}\",\"event\":", words_of(event.level).name);
  append_json_string(out, event.name);
  for (const auto& field : event.fields) {
    out.push_back(',');
    append_json_string(out, field.name);
    out.push_back(':');
    std::visit(JsonWriter{{out}}, field.value);
  }
  out.push_back('}');
}

void append_line(LineBuffer& out, const LogEvent& event, LogFormat format,
                 const microseconds* time) {
  if (format == LogFormat::Json) out.push_back('{');
  if (time != nullptr) {
    append(out, format == LogFormat::Json ? "\"time\":\"" : "");
    append_time(out, *time);
    append(out, format == LogFormat::Json ? "\"," : " ");
  }
  format == LogFormat::Json ? append_json(out, event) : append_text(out, event);
}

using FieldSize = std::uint32_t;

// Appends what `write_content` appends, behind its size.
template <class WriteContent>
void append_sized(LineBuffer& out, const WriteContent& write_content) {
  const auto start = out.size();
  out.resize(start + sizeof(FieldSize));
  write_content();
  const auto size = static_cast<FieldSize>(out.size() - start - sizeof(FieldSize));
  std::memcpy(out.data() + start, &size, sizeof size);
}

// The word of a field in the journal, where it stands beside those of other programs.
std::string_view journal_word(std::string_view name) { return name == "id" ? "SESSION" : name; }

// systemd.journal-fields(7): upper case letters, digits and underscores, at most 64 of them.
void append_journal_name(LineBuffer& out, std::string_view name) {
  constexpr std::string_view kPrefix = "CHATGATE_";
  append(out, kPrefix);
  for (const char c : journal_word(name).substr(0, 64 - kPrefix.size())) {
    const bool lower = c >= 'a' && c <= 'z';
    const bool kept = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    out.push_back(lower ? static_cast<char>(c - 'a' + 'A') : kept ? c : '_');
  }
}

void append_journal(LineBuffer& out, const LogEvent& event, LogFormat format) {
  append_sized(out, [&] {
    append(out, "MESSAGE=");
    append_line(out, event, format, nullptr);
  });
  append_sized(out, [&] { append_format(out, "PRIORITY={}", words_of(event.level).priority); });
  append_sized(out, [&] { append(out, "SYSLOG_IDENTIFIER=chatgate"); });
  append_sized(out, [&] {
    append(out, "CHATGATE_EVENT=");
    append_escaped(out, event.name);
  });
  for (const auto& field : event.fields) {
    append_sized(out, [&] {
      append_journal_name(out, field.name);
      out.push_back('=');
      std::visit(JournalWriter{{out}}, field.value);
    });
  }
}

void append_visible(LineBuffer& out, const Utf8Unit& unit) {
  const auto& [code_point, bytes] = unit;
  if (!code_point || *code_point < 0x20 || *code_point == 0x7f) {
    append_format(out, "\\x{:02x}", static_cast<unsigned char>(bytes[0]));
  } else if (is_control(*code_point)) {
    append_format(out, "\\u{{{:x}}}", static_cast<std::uint32_t>(*code_point));
  } else {
    append(out, bytes);
  }
}

}  // namespace

void append_printable(LineBuffer& out, std::string_view text) {
  while (!text.empty()) append_visible(out, take_utf8(text));
}

void append_escaped(LineBuffer& out, std::string_view text) {
  while (!text.empty()) {
    const auto unit = take_utf8(text);
    if (unit.code_point == U'"' || unit.code_point == U'\\') out.push_back('\\');
    append_visible(out, unit);
  }
}

void append_event(LineBuffer& out, const LogEvent& event, LogFormat format, Envelope envelope,
                  microseconds time) {
  switch (envelope) {
    case Envelope::Timed:
      append_line(out, event, format, &time);
      out.push_back('\n');
      return;
    case Envelope::Prioritised:
      append_format(out, "<{}>", words_of(event.level).priority);
      append_line(out, event, format, nullptr);
      out.push_back('\n');
      return;
    case Envelope::Journal:
      append_journal(out, event, format);
      return;
  }
}

std::string_view take_journal_field(std::string_view& encoded) {
  FieldSize size = 0;
  std::memcpy(&size, encoded.data(), sizeof size);
  const auto field = encoded.substr(sizeof size, size);
  encoded.remove_prefix(sizeof size + size);
  return field;
}

}  // namespace chatgate::telemetry
