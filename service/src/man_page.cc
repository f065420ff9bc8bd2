#include "man_page.h"

#include <sstream>
#include <vector>

#include <fmt/format.h>

#include <chatgate/base/ascii.h>
#include <chatgate/version.h>

namespace chatgate::service {
namespace {

// roff(7) takes a backslash for the start of an escape, and a hyphen for one that is no minus.
void append_escaped(std::string& out, char c) {
  if (c == '\\') {
    out += "\\e";
  } else if (c == '-') {
    out += "\\-";
  } else {
    out += c;
  }
}

// A line of text, with `code` in bold, *words* in italics and [words](address) as the words.
std::string inline_text(std::string_view text, bool has_markup = true) {
  std::string out;
  bool is_code = false;
  bool is_emphasis = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '`' && has_markup) {
      out += is_code ? "\\fR" : "\\fB";
      is_code = !is_code;
    } else if (c == '*' && has_markup && !is_code) {
      out += is_emphasis ? "\\fR" : "\\fI";
      is_emphasis = !is_emphasis;
    } else if (c == '[' && has_markup && !is_code && text.find("](", i) != text.npos) {
      continue;
    } else if (c == ']' && has_markup && !is_code && text.substr(i).starts_with("](")) {
      i = text.find(')', i);
      if (i == text.npos) break;
    } else {
      append_escaped(out, c);
    }
  }
  // A line that begins with one of these would be a request.
  if (out.starts_with('.') || out.starts_with('\'')) out.insert(0, "\\&");
  return out;
}

// The cells of `| a | b |`; `\|` is a bar that ends no cell.
std::vector<std::string> cells_of(std::string_view row) {
  std::vector<std::string> cells;
  std::string cell;
  for (std::size_t i = 1; i < row.size(); ++i) {
    if (row[i] == '|') {
      cells.emplace_back(base::trim(cell));
      cell.clear();
    } else if (row[i] == '\\' && i + 1 < row.size() && row[i + 1] == '|') {
      cell += row[++i];
    } else {
      cell += row[i];
    }
  }
  return cells;
}

class ManPage {
 public:
  explicit ManPage(const ManTitle& title) {
    out_ = fmt::format(".TH {} {} \"\" \"chatgate {}\" \"chatgate\"\n.SH NAME\n{} \\- {}\n",
                       base::to_upper(title.name), title.section, kVersion, inline_text(title.name),
                       inline_text(title.purpose));
  }

  void add(const std::string& line) {
    if (line.starts_with("```")) return toggle_code();
    if (is_code_) return say(inline_text(line, /*has_markup=*/false));
    if (!line.starts_with('|')) header_.clear();
    if (line.empty()) {
      needs_break_ = true;
    } else if (line.starts_with("### ")) {
      begin(".SS", line.substr(4));
    } else if (line.starts_with("## ")) {
      begin(".SH", base::to_upper(line.substr(3)));
    } else if (line.starts_with("# ")) {
      return;  // The title is in NAME.
    } else if (line.starts_with('|')) {
      add_row(line);
    } else if (line.starts_with("- ")) {
      say(".IP \\(bu 2\n" + inline_text(line.substr(2)));
      needs_break_ = false;
    } else {
      if (needs_break_) say(".PP");
      needs_break_ = false;
      say(inline_text(base::trim(line)));
    }
  }

  std::string take() { return std::move(out_); }

 private:
  void say(const std::string& line) { out_ += line + '\n'; }

  void begin(const char* request, const std::string& heading) {
    say(fmt::format("{} {}", request, inline_text(heading)));
    needs_break_ = false;
  }

  void toggle_code() {
    say(is_code_ ? ".fi\n.RE" : ".PP\n.RS 4\n.nf");
    is_code_ = !is_code_;
    needs_break_ = true;
  }

  // The last cell says what the first one means; what is between them follows with its headings.
  void add_row(const std::string& line) {
    if (line.starts_with("|---")) return;
    const auto cells = cells_of(line);
    if (header_.empty()) {
      header_ = cells;
      return;
    }
    say(".TP 8\n" + inline_text(cells.front()) + '\n' + inline_text(cells.back()));
    std::string rest;
    for (std::size_t i = 1; i + 1 < cells.size() && i < header_.size(); ++i) {
      rest += fmt::format("{}{}: {}", rest.empty() ? "" : "; ", header_[i], cells[i]);
    }
    if (!rest.empty()) say(".br\n(" + inline_text(rest) + ')');
    needs_break_ = true;
  }

  std::string out_;
  std::vector<std::string> header_;  // Of the table that is being read.
  bool is_code_ = false;
  bool needs_break_ = false;
};

}  // namespace

std::string to_man_page(const ManTitle& title, std::string_view markdown) {
  ManPage page{title};
  std::istringstream lines{std::string{markdown}};
  for (std::string line; std::getline(lines, line);) page.add(line);
  return page.take();
}

}  // namespace chatgate::service
