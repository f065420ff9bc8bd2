#include "terminal.h"
#include "waiter.h"

#include <algorithm>
#include <optional>

#include <chatgate/ctl/control.h>
#include <chatgate/ctl/top_frame.h>

namespace chatgate::ctl {
namespace {

/// The view while it is on the screen.
class Top {
 public:
  Top(const Client& client, const Pace& pace) : client_{client}, pace_{pace} {}

  void run();

 private:
  void sample();
  bool show();
  bool obey(char key);
  std::optional<std::string> get(const std::string& target);

  const Client& client_;
  const Pace pace_;
  std::string sort_ = "-messages";
  std::string trouble_;
  TopSample before_;
  TopSample now_;
  // In this order: the terminal is left before the signals are given back.
  Waiter waiter_{true};
  Terminal terminal_;
};

std::optional<std::string> Top::get(const std::string& target) {
  auto answer = client_.get(target);
  if (!answer) {
    trouble_ = answer.error();
    return std::nullopt;
  }
  if (!answer->is_good()) {
    trouble_ = client_.explain(*answer);
    return std::nullopt;
  }
  return std::move(answer->body);
}

// Keeps the old sample when the gateway does not answer.
void Top::sample() {
  const auto rows = std::to_string(terminal_.size().rows);
  const auto status = get("/status");
  if (!status) return;
  const auto connections = get(target("/connections", {{"sort", sort_}, {"limit", rows}}));
  if (!connections) return;
  const auto metrics = get("/metrics");
  if (!metrics) return;
  trouble_.clear();
  before_ = std::move(now_);
  now_ = {*status, *connections, Scrape{*metrics}, std::chrono::steady_clock::now()};
  if (before_.status.empty()) before_ = now_;
}

bool Top::show() {
  const auto [rows, columns] = terminal_.size();
  return terminal_.show(top_frame(before_, now_, sort_, trouble_, rows, columns));
}

// False for the keys that end the view.
bool Top::obey(char key) {
  if (key == 'q' || key == 'Q' || key == '\x03' || key == '\x04') return false;
  const auto wanted = std::ranges::find(kSortKeys, key, &SortKey::key);
  if (wanted == kSortKeys.end()) return true;
  const auto falling = '-' + std::string{wanted->column};
  sort_ = sort_ == falling ? std::string{wanted->column} : falling;
  return true;
}

void Top::run() {
  for (std::uint64_t round = 1;; ++round) {
    const auto began = base::Clock::now();
    sample();
    if (!show() || round == pace_.rounds) return;
    bool is_over = false;
    while (!is_over) {
      const auto event = waiter_.wait_until(began + pace_.interval);
      switch (event.wake) {
        case Waiter::Wake::Stop:
          return;
        case Waiter::Wake::Time:
          is_over = true;
          break;
        case Waiter::Wake::Resized:
          if (!show()) return;
          break;
        case Waiter::Wake::Key:
          if (!obey(event.key)) return;
          is_over = true;
          break;
      }
    }
  }
}

}  // namespace

Outcome Control::top(const Pace& pace) const {
  if (!Terminal::is_usable()) {
    return fail(
        "top needs a terminal that can move its cursor (TERM); elsewhere: connections --watch");
  }
  // A mistake of the caller is told on a screen that stays.
  const auto first = ask("/status");
  if (!first) return fail(first.error());
  Top{client_, pace}.run();
  return Outcome::Done;
}

}  // namespace chatgate::ctl
