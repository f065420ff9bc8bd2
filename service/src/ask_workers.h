#pragma once

#include <chrono>
#include <future>
#include <memory>
#include <utility>
#include <vector>

#include <chatgate/session/worker.h>

namespace chatgate::service {

/// What workers answered to one question.
template <class Answer>
struct WorkerAnswers {
  std::vector<Answer> given;  // In the order of the workers.
  bool complete = true;       // False: one did not answer in time, and was not waited for.
};

/// Calls `ask(worker, done)` for each worker, where `done(answer)` is to be called on the worker's
/// thread, and waits half a second at most for all of them. Not to be called on a loop.
template <class Answer, class Ask>
WorkerAnswers<Answer> ask_workers(const std::vector<std::unique_ptr<session::Worker>>& workers,
                                  Ask ask) {
  constexpr std::chrono::milliseconds kWaitMax{500};
  std::vector<std::future<Answer>> parts;
  for (const auto& worker : workers) {
    auto promise = std::make_shared<std::promise<Answer>>();
    parts.push_back(promise->get_future());
    ask(*worker, [promise](Answer answer) { promise->set_value(std::move(answer)); });
  }
  WorkerAnswers<Answer> answers;
  const auto deadline = std::chrono::steady_clock::now() + kWaitMax;
  for (auto& part : parts) {
    if (part.wait_until(deadline) == std::future_status::ready) {
      answers.given.push_back(part.get());
    } else {
      answers.complete = false;
    }
  }
  return answers;
}

}  // namespace chatgate::service
