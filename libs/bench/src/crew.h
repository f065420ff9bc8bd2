#pragma once

#include "client_loop.h"

#include <atomic>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

namespace chatgate::bench {

/// The threads of a run, each with its ClientLoop. They take one step at a time, all together.
///
/// Threads: confined to the one that made it, which may read the tallies at any time.
class Crew {
 public:
  using Step = std::function<void(ClientLoop&, const Share&)>;

  Crew(const Options& options, const Route& route, const std::atomic<bool>& stop);
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  /// Lets each thread do `step`; calls `tick` some times a second until all have.
  ///
  /// Errors: throws what a step threw.
  void take(const Step& step, const std::function<void()>& tick);

  std::vector<const Tally*> tallies() const;
  void start_measuring();     // Between steps.
  EngineKind engine() const;  // That runs, after the first step.

 private:
  struct Member {
    Share share;
    Tally tally;
    EngineKind engine = EngineKind::Auto;
    std::binary_semaphore go{0};
    std::exception_ptr failure;
    std::thread thread;
  };

  void serve(Member& member);

  const Options& options_;
  const Route& route_;
  const std::atomic<bool>& stop_;
  const Step* step_ = nullptr;  // Null = end; written between steps.
  std::counting_semaphore<kThreadsMax> done_{0};
  std::vector<std::unique_ptr<Member>> members_;
};

/// Splits the load of `options` among its threads: no two shares differ by more than one.
std::vector<Share> split(const Options& options);

}  // namespace chatgate::bench
