#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <termios.h>

namespace chatgate::ctl {

/// The terminal of this process, taken over for a live view: the alternate screen without a cursor,
/// keys one by one and without an echo. The destructor leaves it as it was.
///
/// Threads: one.
class Terminal {
 public:
  struct Size {
    std::size_t rows = 24;
    std::size_t columns = 80;
  };

  /// Whether standard input and output are a terminal that can move its cursor.
  static bool is_usable();

  Terminal();
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  Size size() const;

  /// Shows the lines from the top, in place; what does not fit is cut. False when the terminal is
  /// gone.
  bool show(const std::vector<std::string>& lines);

 private:
  ::termios before_{};
};

}  // namespace chatgate::ctl
