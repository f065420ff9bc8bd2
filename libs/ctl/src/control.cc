#include "document.h"
#include "waiter.h"

#include <ostream>

#include <fmt/format.h>
#include <unistd.h>

#include <chatgate/ctl/control.h>
#include <chatgate/ctl/reports.h>

namespace chatgate::ctl {
namespace {

constexpr std::size_t kPageRows = 10'000;  // As many as the endpoint lists at once.

std::string list_target(std::string_view path, const ListWish& wish) {
  return target(
      path, {{"sort", wish.sort}, {"filter", wish.filter}, {"limit", std::to_string(wish.limit)}});
}

std::string close_target(std::uint64_t id, bool abort) {
  return fmt::format("/connections/{}/close{}", id, abort ? "?abort=true" : "");
}

}  // namespace

Outcome Control::fail(std::string_view why) const {
  err_ << "chatgate ctl: " << why << '\n';
  return Outcome::Failed;
}

base::Expected<std::string, std::string> Control::ask(const std::string& target) const {
  auto answer = client_.get(target);
  if (!answer) return base::Unexpected{answer.error()};
  if (!answer->is_good()) return base::Unexpected{client_.explain(*answer)};
  return std::move(answer->body);
}

Outcome Control::show(const std::string& target, Report report) const {
  const auto body = ask(target);
  if (!body) return fail(body.error());
  out_ << (json_ ? *body : report(*body)) << std::flush;
  return Outcome::Done;
}

Outcome Control::tell(const std::string& target) const {
  const auto answer = client_.post(target);
  if (!answer) return fail(answer.error());
  if (!answer->is_good()) return fail(client_.explain(*answer));
  out_ << (json_ ? answer->body : result_text(answer->body)) << std::flush;
  return Outcome::Done;
}

Outcome Control::status() const { return show("/status", status_text); }

Outcome Control::connections(const ListWish& wish) const {
  return show(list_target("/connections", wish), connections_text);
}

Outcome Control::closed(const ListWish& wish) const {
  return show(list_target("/connections/closed", wish), closed_text);
}

Outcome Control::penalties(const ListWish& wish) const {
  return show(list_target("/penalties", wish), penalties_text);
}

Outcome Control::watch_connections(const ListWish& wish, const Pace& pace) const {
  Waiter waiter{false};
  const bool in_place = !json_ && ::isatty(STDOUT_FILENO) == 1;
  for (std::uint64_t round = 1;; ++round) {
    const auto began = base::Clock::now();
    if (in_place) out_ << "\x1b[H\x1b[2J";
    const auto outcome = connections(wish);
    if (!in_place && !json_) out_ << '\n' << std::flush;
    if (outcome != Outcome::Done || round == pace.rounds || !out_) return outcome;
    while (true) {
      const auto event = waiter.wait_until(began + pace.interval);
      if (event.wake == Waiter::Wake::Stop) return Outcome::Done;
      if (event.wake == Waiter::Wake::Time) break;
    }
  }
}

Outcome Control::close(std::uint64_t id, bool abort) const { return tell(close_target(id, abort)); }

Outcome Control::close_all(const std::string& filter, bool abort) const {
  std::uint64_t closed = 0;
  std::uint64_t last = 0;
  while (true) {
    const auto rest = last == 0 ? filter : fmt::format("{},id>{}", filter, last);
    const auto body = ask(list_target("/connections", {"id", rest, kPageRows}));
    if (!body) return fail(body.error());
    const auto list = parse_json(*body);
    for (const auto& row : member(list, "connections")) {
      last = whole(row, "id");
      const auto answer = client_.post(close_target(last, abort));
      if (!answer) return fail(answer.error());
      if (answer->is_good()) ++closed;
      // One that ended by itself meanwhile is no failure.
      if (!answer->is_good() && answer->status != 404) {
        return fail(fmt::format("{} (after {} sessions)", client_.explain(*answer), closed));
      }
    }
    if (whole(list, "shown") >= whole(list, "matched")) break;
  }
  if (json_) {
    out_ << Json{{"closed", closed}}.dump() << '\n';
  } else {
    out_ << fmt::format("{} session{} {} being closed\n", closed, closed == 1 ? "" : "s",
                        closed == 1 ? "is" : "are");
  }
  out_.flush();
  return Outcome::Done;
}

Outcome Control::forgive(const std::string& source) const {
  return tell(target("/penalties/forgive", {{"source", source}}));
}

Outcome Control::force_overload() const { return tell("/overload/force"); }
Outcome Control::release_overload() const { return tell("/overload/release"); }

Outcome Control::drain() const { return tell("/drain"); }
Outcome Control::undrain() const { return tell("/undrain"); }

Outcome Control::reload() const {
  const auto answer = client_.post("/reload");
  if (!answer) return fail(answer.error());
  const auto result = parse_json(answer->body);
  if (!member(result, "outcome").is_string()) return fail(client_.explain(*answer));
  out_ << (json_ ? answer->body : reload_text(answer->body)) << std::flush;
  if (answer->is_good()) return Outcome::Done;
  fail(client_.explain(*answer));
  return text(result, "outcome") == "rejected" ? Outcome::BadConfig : Outcome::Failed;
}

Outcome Control::set_log_level(const std::string& level) const {
  return tell(target("/log-level", {{"level", level}}));
}

}  // namespace chatgate::ctl
