#include "fuzz_input.h"
#include "session_model.h"
#include "session_rig.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <chatgate/base/assert.h>
#include <chatgate/telemetry/printable_text.h>

// A whole session over a real socket pair, steered by the input: what its client sends and when it
// reads, half-closes or resets, what time passes, reloads and drains. What the client got and why
// the session ended is compared with session_model.h.
//
// A script that is `wild` may also negotiate telnet and reload while replies wait, which the model
// cannot follow: there only the accounts must add up.

namespace chatgate::fuzz {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kSendMax = 16 * 1024;  // One read of the session.
constexpr auto kWriteTimeout = 3s;
constexpr auto kSoftTime = 2s;
constexpr std::string_view kNotice = "* server is shutting down\n";

constexpr std::array kGreetings{"hello\n", "", "{{{listener}}} {session}> ", "\xe6\xb5\x8b\n"};
constexpr std::array kReplies{
    "<{message}>\n",
    "{message}",
    "{count}: {message}\n",
    "{message}{message}\n",
    "{{{session} of {listener}, {connections}}} {message}\n",
    "an answer of some length, so that a few of them fill the buffers of a client that is slow to "
    "read what it asked for: {message}\n"};
constexpr std::array kFarewells{"", "bye\n", "bye {message} {count}"};
constexpr std::array<std::uint64_t, 8> kMessageBytes{16, 17, 24, 64, 100, 1024, 4096, 65'536};
constexpr std::array<std::uint64_t, 4> kMessagesMost{0, 1, 3, 80};
constexpr std::array<std::chrono::milliseconds, 4> kIdle{0ms, 2s, 32s, 15min};
constexpr std::array<std::chrono::milliseconds, 4> kShort{0ms, 700ms, 3s, 30s};

session::ServiceOptions take_service(FuzzInput& input) {
  const auto texts = input.take_byte();
  const auto flags = input.take_byte();
  const auto limits = input.take_byte();
  session::ServiceOptions service;
  service.greeting = kGreetings[texts % kGreetings.size()];
  service.reply = kReplies[(texts >> 2) % kReplies.size()];
  service.farewell = kFarewells[(texts >> 5) % kFarewells.size()];
  service.framing = (flags & 1) != 0 ? session::Framing::Read : session::Framing::Line;
  service.on_overlong = (flags & 2) != 0 ? session::OnOverlong::Close : session::OnOverlong::Resync;
  service.utf8 = static_cast<session::Utf8>((flags >> 2) % 3);
  if ((flags & 0x10) != 0) service.quit_words = {"quit", "Bye"};
  service.max_message = {kMessageBytes[limits % kMessageBytes.size()]};
  service.messages_per_session = kMessagesMost[(limits >> 3) % kMessagesMost.size()];
  return service;
}

[[noreturn]] void fail(std::string_view what, std::string_view expected, std::string_view seen) {
  const auto shown = [](std::string_view text) { return telemetry::printable_text(text); };
  std::fprintf(stderr, "%.*s differs:\nexpected %s\nseen     %s\n", static_cast<int>(what.size()),
               what.data(), shown(expected).c_str(), shown(seen).c_str());
  std::abort();
}

void check(std::string_view what, std::uint64_t expected, std::uint64_t seen) {
  if (expected != seen) fail(what, std::to_string(expected), std::to_string(seen));
}

class Script {
 public:
  explicit Script(FuzzInput input);

  void run();

 private:
  SessionRig::Profile profile(const session::ServiceOptions& service) const;
  void step();
  void send(std::string bytes);
  void pass(std::size_t ticks);
  void stall(std::size_t ticks);
  void reload();
  void end_session(std::uint8_t how);
  void read_on();
  void finish();
  std::string ended_by(const SessionRig::Counts& counts) const;
  void check_output(std::string_view reason) const;

  // What can make it differ from the model is left to come, but nothing that was said.
  bool is_over() const { return is_stalled_ || is_cut_ || model_->reason().has_value(); }

  SessionRig& rig_ = SessionRig::instance();
  FuzzInput input_;
  SessionModel::Listener listener_;
  session::Telnet telnet_ = session::Telnet::Off;
  session::ServiceOptions service_;
  std::unique_ptr<SessionModel> model_;
  bool is_wild_ = false;
  bool is_reading_ = true;
  bool is_stalled_ = false;  // Time passed while the client did not read.
  bool is_cut_ = false;      // What waited for the client may be lost.
  bool is_reset_ = false;    // By the client.
};

Script::Script(FuzzInput input) : input_{input} {
  const auto flags = input_.take_byte();
  const auto times = input_.take_byte();
  is_wild_ = (flags & 1) != 0;
  telnet_ = (flags & 2) != 0 ? session::Telnet::Passive : session::Telnet::Off;
  listener_.name = "public";
  listener_.session_id = SessionRig::kSession.value;
  listener_.timeouts = {.first_message = kShort[(times >> 2) % 4],
                        .idle = kIdle[times % 4],
                        .line = kShort[(times >> 4) % 4],
                        .write = kWriteTimeout};
  if ((flags & 8) != 0) listener_.idle_warning = "* are you there?\n";
  service_ = take_service(input_);
  model_ = std::make_unique<SessionModel>(listener_, service_);
  rig_.connect(profile(service_), (flags & 4) != 0);
}

SessionRig::Profile Script::profile(const session::ServiceOptions& service) const {
  const auto compile = [](std::string_view text) { return *protocol::Template::parse(text); };
  session::ListenerProfile profile{.id = SessionRig::kListener,
                                   .name = listener_.name,
                                   .telnet = telnet_,
                                   .service = service,
                                   .timeouts = listener_.timeouts,
                                   .output = {.soft{4096}, .soft_time = kSoftTime, .hard{1 << 20}},
                                   .idle_warning = listener_.idle_warning,
                                   .log_sessions = false,
                                   .greeting = compile(service.greeting),
                                   .reply = compile(service.reply),
                                   .farewell = compile(service.farewell)};
  return std::make_shared<const session::ListenerProfile>(std::move(profile));
}

void Script::run() {
  rig_.run([this] {
    const bool goes_on = !input_.rest().empty() && !is_over();
    goes_on ? step() : finish();
    return goes_on;
  });
}

void Script::step() {
  switch (input_.take_byte() % 16) {
    case 0:
    case 1:
    case 2:
      return send(std::string{input_.take(input_.take_byte() + 1U)});
    case 3:
      return send(std::string{input_.take(input_.take_byte() % 32U)} + "\r\n");
    case 4: {
      const auto most = std::min<std::size_t>(service_.max_message.count, kSendMax / 2);
      return send(std::string(most - 1 + input_.take_byte() % 3U, 'x') + "\n");
    }
    case 5: {
      const std::string piece{input_.take(input_.take_byte() % 16U + 1U)};
      std::string bytes;
      for (auto count = input_.take_byte() * 4U + 1U; count > 0; --count) bytes += piece;
      return send(std::move(bytes));
    }
    case 6:
      return pass(input_.take_byte() % 8U + 1U);
    case 7:
      return pass(input_.take_byte() + 1U);
    case 8:
    case 9:
      return reload();
    case 10:
      // Messages that are reads depend on when they are read.
      if (service_.framing == session::Framing::Read && !is_wild_) return;
      is_reading_ = !is_reading_;
      return rig_.set_reading(is_reading_);
    case 11:
      read_on();
      model_->say(kNotice);
      return rig_.announce(std::string{kNotice});
    case 12:
      model_->end_input();
      return rig_.end_input();
    case 13:
      is_reset_ = is_cut_ = true;
      model_->end("client_reset");
      return rig_.reset();
    default:
      return end_session(input_.take_byte());
  }
}

void Script::send(std::string bytes) {
  bytes.resize(std::min(bytes.size(), kSendMax));
  const bool may_negotiate = telnet_ == session::Telnet::Passive && is_wild_;
  if (telnet_ == session::Telnet::Passive && !may_negotiate) {
    std::replace(bytes.begin(), bytes.end(), '\xff', '\xfe');
  }
  if (bytes.empty()) return;
  model_->receive(std::string_view{bytes}.substr(0, rig_.send(bytes)));
}

void Script::pass(std::size_t ticks) {
  if (!is_reading_) return stall(ticks);
  std::size_t passed = 0;
  for (; passed < ticks && !model_->reason(); ++passed) model_->tick();
  rig_.pass_ticks(passed);
}

// Replies wait longer than they may, unless all of them found room in the socket.
void Script::stall(std::size_t ticks) {
  is_stalled_ = true;
  rig_.pass_ticks(ticks);
}

void Script::reload() {
  read_on();
  service_ = take_service(input_);
  model_->reload(service_);
  rig_.reload(profile(service_));
}

void Script::end_session(std::uint8_t how) {
  if (how % 4 < 2) read_on();
  is_cut_ = how % 4 >= 2;
  switch (how % 4) {
    case 0:
      model_->end("drain");
      return rig_.drain();
    case 1:
      model_->end("admin_kill");
      return rig_.close(false);
    case 2:
      model_->end("admin_kill");
      return rig_.close(true);
    default:
      model_->end("drain_forced");
      return rig_.abort_all();
  }
}

// The model's client takes all that it is sent.
void Script::read_on() {
  if (is_wild_ || is_reading_) return;
  is_reading_ = true;
  rig_.set_reading(true);
}

std::string Script::ended_by(const SessionRig::Counts& counts) const {
  std::string reasons;
  for (std::size_t i = 0; i < counts.closed.size(); ++i) {
    for (std::uint64_t n = 0; n < counts.closed[i]; ++n) {
      if (!reasons.empty()) reasons += ' ';
      reasons += token(static_cast<session::EndReason>(i));
    }
  }
  return reasons;
}

void Script::finish() {
  // What had no room in the socket while time passed; more must not have been waited for.
  rig_.set_reading(true);
  if (!is_over()) {
    model_->end_input();
    rig_.end_input();
  }
  const auto counts = rig_.finish();
  const auto reason = ended_by(counts);
  if (reason.empty() || reason.find(' ') != std::string::npos)
    fail("the end", "one reason", reason);
  if (!is_reset_ && !is_cut_) {
    check("sent_bytes", rig_.received().size(), counts.sent_bytes);
    // The message that is not UTF-8 gets an error in place of a reply.
    const std::uint64_t errors = reason == "invalid_utf8" ? 1 : 0;
    const bool may_miss_some = is_stalled_ || reason == "client_reset";  // finish() closes its end.
    if (!may_miss_some) check("replies", counts.messages - errors, counts.replies);
  }
  if (reason == "client_eof") check("received_bytes", rig_.sent(), counts.received_bytes);
  if (is_wild_) return;
  check_output(reason);
  if (is_stalled_) return;
  const auto& expected = *model_->reason();
  // The close of a client that owes nothing and is owed nothing is an end of its input.
  const bool is_quiet_reset = is_reset_ && !model_->has_unfinished_line() && reason == "client_eof";
  if (reason != expected && !is_quiet_reset) fail("the end reason", expected, reason);
  if (!is_cut_) check("messages", model_->messages(), counts.messages);
}

void Script::check_output(std::string_view reason) const {
  // When it was said, the model does not know.
  if (is_stalled_ && !listener_.idle_warning.empty()) return;
  const auto& expected = model_->output();
  const auto& seen = rig_.received();
  const bool may_miss_the_end = is_cut_ || (is_stalled_ && reason != "client_eof");
  if (may_miss_the_end ? !expected.starts_with(seen) : expected != seen) {
    fail("the output", expected, seen);
  }
}

}  // namespace
}  // namespace chatgate::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  chatgate::fuzz::Script{chatgate::fuzz::FuzzInput{data, size}}.run();
  return 0;
}
