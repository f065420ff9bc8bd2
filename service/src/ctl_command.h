#pragma once

#include <memory>

namespace CLI {  // NOLINT(readability-identifier-naming): the name that CLI11 has.
class App;
}

namespace chatgate::service {

/// The command `ctl` with commands of its own: their options, and what they do once they are read.
class CtlCommand {
 public:
  CtlCommand();
  ~CtlCommand();
  CtlCommand(const CtlCommand&) = delete;
  CtlCommand& operator=(const CtlCommand&) = delete;

  /// Adds the command to the program's; `app` fills in this object, which must outlive parsing.
  void declare(CLI::App& app);

  /// Asks the gateway; prints to the standard streams. Returns the exit code: 0 done, 1 the gateway
  /// was not reached or said no, 2 wrong options, 78 a reload found mistakes.
  int run();

 private:
  struct Arguments;
  const std::unique_ptr<Arguments> arguments_;
};

}  // namespace chatgate::service
