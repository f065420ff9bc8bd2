#include "terminal.h"

#include <cerrno>
#include <cstdlib>
#include <string_view>

#include <sys/ioctl.h>
#include <unistd.h>

#include <chatgate/ctl/text_table.h>

namespace chatgate::ctl {
namespace {

// ECMA-48, and the alternate screen of xterm, which every terminal in use has.
constexpr std::string_view kEnter = "\x1b[?1049h\x1b[?25l";
constexpr std::string_view kLeave = "\x1b[?25h\x1b[?1049l";

bool write_all(std::string_view text) {
  while (!text.empty()) {
    const auto size = ::write(STDOUT_FILENO, text.data(), text.size());
    if (size < 0 && errno != EINTR) return false;
    if (size > 0) text.remove_prefix(static_cast<std::size_t>(size));
  }
  return true;
}

}  // namespace

bool Terminal::is_usable() {
  // The process has one thread.
  const char* const kind = std::getenv("TERM");  // NOLINT(concurrency-mt-unsafe)
  const bool can_move = kind != nullptr && *kind != '\0' && std::string_view{kind} != "dumb";
  return can_move && ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1;
}

Terminal::Terminal() {
  ::tcgetattr(STDIN_FILENO, &before_);
  auto keys = before_;
  keys.c_lflag &= ~static_cast<::tcflag_t>(ICANON | ECHO);
  keys.c_cc[VMIN] = 1;
  keys.c_cc[VTIME] = 0;
  keys.c_cc[VSUSP] = _POSIX_VDISABLE;  // A stopped process would leave the screen as it is.
  ::tcsetattr(STDIN_FILENO, TCSANOW, &keys);
  write_all(kEnter);
}

Terminal::~Terminal() {
  write_all(kLeave);
  ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
}

Terminal::Size Terminal::size() const {
  ::winsize window{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_row == 0 ||
      window.ws_col == 0) {
    return {};
  }
  return {window.ws_row, window.ws_col};
}

bool Terminal::show(const std::vector<std::string>& lines) {
  const auto [rows, columns] = size();
  std::string text = "\x1b[H";
  for (std::size_t row = 0; row < rows; ++row) {
    if (row > 0) text += "\r\n";
    // Filled up, not cut: what stood there goes.
    text += fit(row < lines.size() ? std::string_view{lines[row]} : "", columns,
                TextColumn::Side::Left);
  }
  return write_all(text);
}

}  // namespace chatgate::ctl
