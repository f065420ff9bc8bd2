#include <algorithm>
#include <chrono>
#include <utility>

#include <chatgate/base/assert.h>
#include <chatgate/protocol/utf8.h>
#include <chatgate/session/session.h>

// How a message becomes a reply, in general: framing, telnet, UTF-8, quit words, templates.

namespace chatgate::session {
namespace {

constexpr std::string_view kLineTooLong = "500 line too long\n";
constexpr std::string_view kInvalidUtf8 = "500 invalid UTF-8\n";
constexpr std::string_view kProtocolError = "500 too much telnet negotiation\n";

char to_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return to_lower(x) == to_lower(y); });
}

// Takes the bytes up to and including the first LF, or all.
std::string_view take_line(std::string_view& input) noexcept {
  const auto line = input.substr(0, input.find('\n') + 1);
  const auto taken = line.empty() ? input : line;
  input.remove_prefix(taken.size());
  return taken;
}

}  // namespace

Session::End Session::fill_batch(std::string_view& input) {
  const bool may_begin_telnet = !telnet_ && profile().telnet == Telnet::Passive;
  if (may_begin_telnet && input.find(protocol::kTelnetIac) != std::string_view::npos) {
    telnet_ = std::make_unique<protocol::TelnetFilter>();
  }
  if (profile().service.framing == Framing::Read) return answer_read(std::exchange(input, {}));
  if (held_) begin_line(*std::exchange(held_, nullptr));
  // The end of an overlong line is no message, but what comes after it begins a line all the same.
  if (line_started_at_ != Clock::time_point{} && input.find('\n') != std::string_view::npos) {
    line_started_at_ = {};
  }
  return telnet_ ? answer_telnet(input) : answer_lines(input);
}

// A reload changed the framing in the middle of a character: it begins the line.
void Session::begin_line(std::string_view half) {
  [[maybe_unused]] const auto frame = framer_.next(half, profile().service.max_message.count);
}

Session::End Session::answer_lines(std::string_view& input) {
  while (!input.empty() && !is_owed_too_much()) {
    if (const auto end = answer_frame(framer_.next(input, profile().service.max_message.count))) {
      return end;
    }
  }
  return {};
}

// Line by line, so that a batch can end at any message: the filter keeps nothing that it was given.
Session::End Session::answer_telnet(std::string_view& input) {
  while (!input.empty() && !is_owed_too_much()) {
    for (auto raw = take_line(input); !raw.empty();) {
      auto step = filter(raw);
      framer_.set_cr_nul_ends_line(telnet_->character_mode());
      while (!step.data.empty()) {
        const auto frame = framer_.next(step.data, profile().service.max_message.count);
        if (const auto end = answer_frame(frame)) return end;
      }
      if (step.event == protocol::TelnetFilter::Event::ClearLine) framer_.clear_line();
      if (step.event == protocol::TelnetFilter::Event::AbuseLimit) return EndReason::ProtocolError;
    }
  }
  return {};
}

// Takes telnet's commands out of `input`, if it is a telnet that sent it.
protocol::TelnetFilter::Step Session::filter(std::string_view& input) {
  if (!telnet_) return {.data = std::exchange(input, {})};
  auto& answers = worker_.render_scratch();
  answers.clear();
  const auto step = telnet_->step(input, answers);
  worker_.batch().text += answers;
  if (step.event == protocol::TelnetFilter::Event::AbuseLimit)
    worker_.batch().text += kProtocolError;
  return step;
}

// `framing: read`: whatever one read returned is one message, less what telnet negotiates.
Session::End Session::answer_read(std::string_view input) {
  // A reload changed the framing in the middle of a line, which ends with that.
  if (const auto line = framer_.finish()) {
    if (const auto end = answer_message(*line)) return end;
  }
  std::string joined;
  if (telnet_ || held_) {
    const auto half = std::exchange(held_, nullptr);
    if (half) joined = *half;
    while (!input.empty()) {
      const auto step = filter(input);
      joined += step.data;
      if (step.event == protocol::TelnetFilter::Event::AbuseLimit) return EndReason::ProtocolError;
    }
    input = joined;
  }
  if (profile().service.utf8 != Utf8::Pass) {
    const auto half = protocol::incomplete_suffix(input);
    if (half > 0) hold(input.substr(input.size() - half));
    input.remove_suffix(half);
  }
  return input.empty() ? End{} : answer_message(input);
}

Session::End Session::answer_frame(const protocol::Frame& frame) {
  switch (frame.kind) {
    case protocol::Frame::Kind::NeedMore:
      return {};
    case protocol::Frame::Kind::Message:
      return answer_message(frame.message);
    case protocol::Frame::Kind::Overlong:
      worker_.batch().text += kLineTooLong;
      if (profile().service.on_overlong == OnOverlong::Resync) return {};
      return EndReason::LineTooLong;
  }
  CHATGATE_ASSERT(false);
}

Session::End Session::answer_message(std::string_view message) {
  const auto& service = profile().service;
  ++record_.messages;
  counters().messages.add();
  line_started_at_ = {};
  if (const auto end = make_valid(message)) return end;
  const bool quits = is_quit_word(message);
  render(quits ? profile().farewell : profile().reply, message);
  worker_.batch().replies.push_back({worker_.batch().text.size(), worker_.loop().batch_time()});
  if (quits) return EndReason::Quit;
  const auto most = service.messages_per_session;
  return most != 0 && record_.messages >= most ? End{EndReason::SessionDone} : End{};
}

// Takes back what a telnet user took back, and sees to it that only UTF-8 goes on.
Session::End Session::make_valid(std::string_view& message) {
  if (telnet_ && telnet_->character_mode()) {
    message = protocol::edit_line(message, worker_.edit_scratch());
  }
  switch (profile().service.utf8) {
    case Utf8::Replace:
      message = protocol::replace_invalid(message, worker_.text_scratch());
      return {};
    case Utf8::Reject:
      if (protocol::is_valid_utf8(message)) return {};
      worker_.batch().text += kInvalidUtf8;
      return EndReason::InvalidUtf8;
    case Utf8::Pass:
      return {};
  }
  CHATGATE_ASSERT(false);
}

bool Session::is_quit_word(std::string_view message) const {
  const auto& words = profile().service.quit_words;
  return std::any_of(words.begin(), words.end(),
                     [&](const std::string& word) { return equals_ignoring_case(word, message); });
}

void Session::render(const protocol::Template& text, std::string_view message) {
  using protocol::Placeholder;
  if (text.uses_message_alone()) [[likely]] {
    return text.render(message, worker_.batch().text);
  }
  protocol::TemplateValues values{.message = message,
                                  .listener = profile().name,
                                  .session = record_.id.value,
                                  .count = record_.messages};
  std::string peer;
  if (text.uses(Placeholder::Peer)) values.peer = peer = net::to_text(record_.peer);
  std::string subject;
  if (text.uses(Placeholder::Subject) && connection_.tls() != nullptr) {
    values.subject = subject = connection_.tls()->peer_subject();
  }
  if (text.uses(Placeholder::Time)) values.time = std::chrono::system_clock::now();
  if (text.uses(Placeholder::Connections)) {
    values.connections = worker_.context().open_connections();
  }
  auto& rendered = worker_.render_scratch();
  rendered.clear();
  text.render(values, rendered);
  worker_.batch().text += rendered;
}

}  // namespace chatgate::session
