#include <algorithm>
#include <chrono>
#include <utility>

#include <chatgate/protocol/utf8.h>
#include <chatgate/session/session.h>

// From bytes to replies: how a session answers what it read.

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

// Answers batch by batch, one send each, until the input is used up or the client is owed too much;
// then the rest is held until it took some of its replies.
Session::End Session::answer(std::string_view input) {
  const bool may_be_telnet = profile().telnet == Telnet::Passive && !telnet_;
  if (may_be_telnet && input.find(protocol::kTelnetIac) != std::string_view::npos) {
    telnet_ = std::make_unique<protocol::TelnetFilter>();
  }
  do {
    const auto end = fill_batch(input);
    const auto failure = send_batch();
    if (failure) return failure;
    if (end) return end;
    if (is_owed_too_much()) {
      is_backlogged_ = true;
      hold(input);
      return {};
    }
  } while (!input.empty());
  return {};
}

Session::End Session::fill_batch(std::string_view& input) {
  if (profile().service.framing == Framing::Read) return answer_read(std::exchange(input, {}));
  return telnet_ ? answer_telnet(input) : answer_lines(input);
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
  const auto step = telnet_->step(input, worker_.batch().text);
  if (step.event == protocol::TelnetFilter::Event::AbuseLimit)
    worker_.batch().text += kProtocolError;
  return step;
}

// `framing: read`: whatever one read returned is one message, less what telnet negotiates.
Session::End Session::answer_read(std::string_view input) {
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
  std::string edited;
  if (telnet_ && telnet_->character_mode()) message = protocol::edit_line(message, edited);
  if (service.utf8 == Utf8::Replace) {
    message = protocol::replace_invalid(message, worker_.text_scratch());
  } else if (service.utf8 == Utf8::Reject && !protocol::is_valid_utf8(message)) {
    worker_.batch().text += kInvalidUtf8;
    return EndReason::InvalidUtf8;
  }
  const bool quits = is_quit_word(message);
  render(quits ? profile().farewell : profile().reply, message);
  worker_.batch().replies.push_back({worker_.batch().text.size(), worker_.loop().batch_time()});
  if (quits) return EndReason::Quit;
  const auto most = service.messages_per_session;
  return most != 0 && record_.messages >= most ? End{EndReason::SessionDone} : End{};
}

bool Session::is_quit_word(std::string_view message) const {
  const auto& words = profile().service.quit_words;
  return std::any_of(words.begin(), words.end(),
                     [&](const std::string& word) { return equals_ignoring_case(word, message); });
}

void Session::render(const protocol::Template& text, std::string_view message) {
  using protocol::Placeholder;
  protocol::TemplateValues values{.message = message,
                                  .listener = profile().name,
                                  .session = record_.id.value,
                                  .count = record_.messages};
  std::string peer;
  if (text.uses(Placeholder::Peer)) values.peer = peer = net::to_text(record_.peer);
  if (text.uses(Placeholder::Time)) values.time = std::chrono::system_clock::now();
  if (text.uses(Placeholder::Connections)) {
    values.connections = worker_.context().open_connections();
  }
  text.render(values, worker_.batch().text);
}

// Sends what was rendered since the last batch, in one call.
Session::End Session::send_batch() {
  auto& batch = worker_.batch();
  const auto end = batch.text.empty() ? End{} : deliver(batch);
  batch.clear();
  return end;
}

Session::End Session::deliver(const Batch& batch) {
  const auto result = connection_.send(batch.text, batch.replies);
  if (result < 0) return EndReason::ClientReset;
  is_at_line_start_ = batch.text.back() == '\n';
  const auto sent = static_cast<std::size_t>(result);
  record_.sent_bytes += sent;
  counters().sent_bytes.add(sent);
  if (sent < batch.text.size()) {
    const auto now = Clock::now();
    for (const auto& reply : batch.replies) {
      if (reply.end <= sent) on_reply_flushed(reply.asked_at, now);
    }
    account_output();
    return connection_.queued() > profile().output.hard.count ? End{EndReason::SlowHard} : End{};
  }
  if (batch.replies.empty()) return {};
  // One batch was read at one time, so all its replies waited equally long.
  last_byte_at_ = Clock::now();
  const auto delay = last_byte_at_ - batch.replies.front().asked_at;
  counters().replies.add(batch.replies.size());
  counters().reply_delay.observe(static_cast<std::uint64_t>(delay.count()), batch.replies.size());
  return {};
}

// Whether the replies that wait, with those of the batch at hand, are as many as may wait.
bool Session::is_owed_too_much() const noexcept {
  return connection_.queued_replies() + worker_.batch().replies.size() >= kUnansweredMax ||
         connection_.queued() + worker_.batch().text.size() > profile().output.soft.count;
}

void Session::hold(std::string_view input) {
  if (!input.empty()) held_ = std::make_unique<std::string>(input);
}

void Session::say(std::string_view line) {
  const bool is_slow = connection_.queued() > profile().output.soft.count;
  // After a goodbye there is no more to say, and a send after our FIN fails.
  if (is_slow || is_parting_ || has_ended_ || line.empty()) return;
  if (!is_at_line_start_) worker_.batch().text += '\n';
  worker_.batch().text += line;
  // A peer that is gone is found out by the next event of its socket.
  [[maybe_unused]] const auto ignored = send_batch();
  arm();
}

Session::End Session::refuse_protocol(protocol::WrongProtocol wrong) {
  if (wrong == protocol::WrongProtocol::Tls) worker_.batch().text = protocol::kTlsAlert;
  if (wrong == protocol::WrongProtocol::Http) worker_.batch().text = protocol::kHttpAnswer;
  if (const auto failure = send_batch()) return failure;
  return to_end_reason(wrong);
}

}  // namespace chatgate::session
