#pragma once

#include <functional>
#include <memory>

namespace CLI {  // NOLINT(readability-identifier-naming): the name that CLI11 has.
class App;
}

namespace chatgate::service {

/// The command `bench`: its options, and what it does once they are read.
class BenchCommand {
 public:
  BenchCommand();
  ~BenchCommand();
  BenchCommand(const BenchCommand&) = delete;
  BenchCommand& operator=(const BenchCommand&) = delete;

  /// Adds the command to the program's; `app` fills in this object, which must outlive parsing.
  void declare(CLI::App& app);

  /// Runs the load; prints to the standard streams. Returns the exit code: 0 when nothing failed,
  /// 1 when something did, 2 for wrong options.
  ///
  /// Side effects: SIGINT and SIGTERM end the run early, the second one the process.
  int run();

 private:
  struct Arguments;
  const std::unique_ptr<Arguments> arguments_;
};

}  // namespace chatgate::service
