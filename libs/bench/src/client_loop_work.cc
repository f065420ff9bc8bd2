// The course of a stretch of work, and its ends: what is asked for when, and what failed.

#include "client_loop.h"

#include <algorithm>
#include <system_error>

#include <fmt/format.h>

#include <chatgate/base/assert.h>

namespace chatgate::bench {
namespace {

using namespace std::chrono_literals;

constexpr auto kRetry = 1ms;  // Of a connection that found the backlog full.
constexpr auto kPatienceAfterStop = 1s;
constexpr std::uint64_t kFailuresInRowMax = 1'000;  // Then nobody is there.

}  // namespace

void ClientLoop::work(const Bounds& bounds) {
  now_ = base::Clock::now();
  const auto start = now_ + share_.offset;
  const auto deadline = bounds.duration.count() > 0 ? start + bounds.duration : Time::max();
  asking_ = true;
  limit_ = bounds.operations;
  ask_until_ = deadline;
  asked_ = begun_ = ended_ = failures_in_row_ = 0;
  schedule_.reset();
  if (share_.rate > 0) schedule_.emplace(start, share_.rate);
  free_.clear();
  for (ClientId id = 0; id < share_.connections; ++id) {
    auto& client = clients_[id];
    client.due = client.sent = client.replied = 0;
    if (options_.mode == Mode::Connection) free_.push_back(id);
    if (client.stage == Stage::Talking && !schedule_) top_up(id);
  }
  auto give_up = Time::max();
  while (now_ < give_up) {
    if (asking_ && (stop_ || now_ >= deadline || failures_in_row_ >= kFailuresInRowMax)) {
      start_due();  // What became due up to now is owed.
      asking_ = false;
      give_up =
          now_ + (stop_ ? std::min<std::chrono::nanoseconds>(options_.timeout, kPatienceAfterStop)
                        : options_.timeout);
    }
    start_due();
    if (!may_ask() && ended_ >= asked_) break;
    if (working_ == 0 && nobody_is_there()) break;
    pump(std::min<std::chrono::nanoseconds>(until_next(), deadline - now_));
  }
  asking_ = false;
  give_up_waiting();
  schedule_.reset();
}

// Lost connections are not opened anew; conversations are, for as long as that works at all.
bool ClientLoop::nobody_is_there() const {
  return options_.mode == Mode::Message || failures_in_row_ >= kFailuresInRowMax;
}

// In a closed loop replies start what follows; only an open loop has a next time.
std::chrono::nanoseconds ClientLoop::until_next() const {
  if (options_.mode == Mode::Connection && !free_.empty() && begun_ < asked_) return kRetry;
  if (!schedule_ || !may_ask()) return kTick;
  return schedule_->due(asked_) - base::Clock::now();
}

void ClientLoop::start_due() {
  auto due = asked_;
  if (schedule_ && asking_) {
    due = schedule_->count_due(std::min(now_, ask_until_));
    if (limit_ > 0) due = std::min(due, limit_);
  }
  if (options_.mode == Mode::Message) return start_messages(due);
  if (!schedule_ && asking_) {
    due = asked_ + free_.size();
    if (limit_ > 0) due = std::min(due, limit_);
  }
  start_connections(due);
}

// Operation k of the schedule belongs to client k mod connections, whatever state that is in.
void ClientLoop::start_messages(std::uint64_t due) {
  for (; asked_ < due; ++asked_) {
    const auto id = static_cast<ClientId>(asked_ % share_.connections);
    auto& client = clients_[id];
    ++client.due;
    if (client.stage != Stage::Talking) {
      ++ended_;
      tally_.fail(Fault::Lost, 1, "due on a connection that is lost");
    } else if (client.waiting() < options_.window) {
      say(id, 1);
    }
  }
}

void ClientLoop::start_connections(std::uint64_t due) {
  asked_ = std::max(asked_, due);
  while (begun_ < asked_ && !free_.empty()) {
    const auto id = free_.back();
    free_.pop_back();
    if (!open(id, schedule_ ? schedule_->due(begun_) : now_)) {
      free_.push_back(id);
      return;
    }
    ++begun_;
    if (failures_in_row_ >= kFailuresInRowMax) return;
  }
}

void ClientLoop::hold(std::chrono::nanoseconds duration) {
  now_ = base::Clock::now();
  const auto end = now_ + duration;
  while (now_ < end && !stop_) pump(end - now_);
}

void ClientLoop::close_all() {
  for (ClientId id = 0; id < clients_.size(); ++id) {
    if (clients_[id].stage != Stage::Closed) end_conversation(id);
  }
}

void ClientLoop::end_conversation(ClientId id) {
  engine_->close(id);
  release(id);
}

// The engine has closed the client, or is to have no part in it any more.
void ClientLoop::release(ClientId id) {
  auto& client = clients_[id];
  if (client.stage != Stage::Talking) --opening_;
  client.stage = Stage::Closed;
  if (!is_worker(id)) return;
  --working_;
  if (options_.mode == Mode::Connection) free_.push_back(id);
}

void ClientLoop::on_closed(ClientId id, int error) {
  const auto& client = clients_[id];
  const bool connecting = client.stage == Stage::Greeting && client.lines == 0 && error != 0;
  fail(id, connecting ? Fault::NotConnected : Fault::Lost,
       error == 0 ? "the server closed the connection" : std::generic_category().message(error));
  release(id);
}

void ClientLoop::abandon(ClientId id, Fault fault, std::string text) {
  fail(id, fault, std::move(text));
  end_conversation(id);
}

// Whatever the client still owed has failed; one that owed nothing is one failure itself.
void ClientLoop::fail(ClientId id, Fault fault, std::string text) {
  const auto owed = owed_by(id);
  ended_ += owed;
  ++failures_in_row_;
  tally_.fail(fault, std::max<std::uint64_t>(owed, 1), std::move(text));
}

std::uint64_t ClientLoop::owed_by(ClientId id) const {
  if (!is_worker(id)) return 0;
  if (options_.mode == Mode::Connection) return 1;
  const auto& client = clients_[id];
  return std::max(client.sent, client.due) - client.replied;
}

void ClientLoop::check_timeouts() {
  checked_ = now_;
  for (ClientId id = 0; id < clients_.size(); ++id) {
    const auto& client = clients_[id];
    const bool waits =
        client.stage == Stage::Talking ? client.waiting() > 0 : client.stage != Stage::Closed;
    if (!waits || now_ - client.since < options_.timeout) continue;
    abandon(id, Fault::TimedOut,
            fmt::format("no {} within {}", client.stage == Stage::Greeting ? "greeting" : "reply",
                        base::to_text(options_.timeout)));
  }
}

// Who asked for the end does not count what was cut off by it.
void ClientLoop::give_up_waiting() {
  if (ended_ >= asked_) return;
  if (!stop_) tally_.fail(Fault::TimedOut, asked_ - ended_, "no reply by the end of the run");
  for (ClientId id = 0; id < share_.connections; ++id) {
    if (clients_[id].stage != Stage::Closed && owed_by(id) > 0) end_conversation(id);
  }
}

}  // namespace chatgate::bench
