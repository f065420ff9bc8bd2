#pragma once

#include <string>
#include <string_view>

namespace chatgate::service {

/// What stands around the text of a man page.
struct ManTitle {
  std::string name;  // `chatgate.yaml`
  int section = 1;
  std::string purpose;  // One line, for apropos(1).
};

/// Makes a man page, man(7), of our documents' Markdown: headings, paragraphs, lists of `-`, code
/// between fences, and tables, of which each row becomes an entry under its first cell.
std::string to_man_page(const ManTitle& title, std::string_view markdown);

}  // namespace chatgate::service
