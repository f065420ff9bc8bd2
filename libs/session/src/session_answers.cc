#include <algorithm>
#include <random>
#include <utility>

#include <chatgate/net/listen_options.h>
#include <chatgate/protocol/sniffer.h>
#include <chatgate/session/plain_lines.h>
#include <chatgate/session/session.h>

// The path of a byte: what a session reads, answers and sends. How one message becomes a reply, in
// general, is in session_messages.cc.

namespace chatgate::session {

using net::Connection;

// The socket took `sent` bytes of a batch; the rest is queued.
Session::End Session::on_part_sent(const Batch& batch, std::size_t sent) {
  const auto now = Clock::now();
  for (const auto& reply : batch.replies) {
    if (reply.end <= sent) on_reply_flushed(reply.asked_at, now);
  }
  account_output();
  return connection_.queued() > profile().output.hard.count ? End{EndReason::SlowHard} : End{};
}

// All replies of the batch were given at once.
[[gnu::always_inline]] inline void Session::count_replies(const Batch& batch) {
  const auto replies = batch.replies.size();
  if (replies == 0) return;
  // One batch was read at one time, so all its replies waited equally long.
  const auto now = Clock::now();
  last_byte_at_ = now;
  auto& counts = counters();
  counts.replies.add(replies);
  counts.reply_delay.observe(
      static_cast<std::uint64_t>((now - batch.replies.front().asked_at).count()), replies);
}

[[gnu::always_inline]] inline Session::End Session::deliver(const Batch& batch) {
  const auto result = connection_.send(batch.text.view(), batch.replies);
  if (result < 0) return EndReason::ClientReset;
  is_at_line_start_ = batch.text.back() == '\n';
  const auto sent = static_cast<std::size_t>(result);
  auto& counts = counters();
  record_.sent_bytes += sent;
  counts.sent_bytes.add(sent);
  if (sent < batch.text.size()) [[unlikely]]
    return on_part_sent(batch, sent);
  count_replies(batch);
  return {};
}

// Sends what was rendered since the last batch, in one call.
[[gnu::always_inline]] inline Session::End Session::send_batch() {
  auto& batch = worker_.batch();
  End end;
  if (batch.text.empty()) [[unlikely]] {
    count_replies(batch);  // Of templates that came out empty: they are given by saying nothing.
  } else {
    end = deliver(batch);
  }
  batch.clear();
  return end;
}

// What most clients send, to what most services say; leaves everything else to fill_batch().
inline void Session::answer_ordinary(std::string_view& input) {
  const bool is_slow = connection_.queued() > 0;
  if (!listener_.takes_plain_lines || is_slow || telnet_ || held_ || !framer_.is_fresh()) return;
  const auto answered =
      answer_plain_lines(input, profile(), worker_.loop().batch_time(), worker_.batch());
  record_.messages += answered;
  counters().messages.add(answered);
}

// Answers batch by batch, one send each, until the input is used up or the client is owed too much;
// then the rest is held until it took some of its replies.
[[gnu::always_inline]] inline Session::End Session::answer(std::string_view input) {
  do {
    answer_ordinary(input);
    const auto end = input.empty() ? End{} : fill_batch(input);
    if (const auto failure = send_batch()) return failure;
    if (end) return end;
    if (connection_.queued() > 0 && is_owed_too_much()) {
      is_backlogged_ = true;
      hold(input);
      return {};
    }
  } while (!input.empty());
  return {};
}

// Where the deadlines of silence and of an unfinished line count from.
inline void Session::note_input() {
  // A reply that was just sent has read the clock already.
  if (last_byte_at_ <= worker_.loop().batch_time()) last_byte_at_ = Clock::now();
  if (!framer_.has_partial()) {
    line_started_at_ = {};
  } else if (line_started_at_ == Clock::time_point{}) {
    line_started_at_ = last_byte_at_;
    has_nearer_deadline_ = true;
  }
  // A new warning may come before the end that the old one told of; and so may a new profile's.
  if (is_warned_ || armed_generation_ != listener_.generation) has_nearer_deadline_ = true;
  is_warned_ = false;
  if (is_left_to_probes_) [[unlikely]]
    take_from_probes();
}

// Where the next read goes, and how much it takes.
inline std::span<char> Session::input_space() const noexcept {
  const auto scratch = worker_.loop().scratch();
  if (profile().service.framing == Framing::Line) [[likely]]
    return scratch.first(kReadBytesMax);
  const std::size_t half = held_ ? held_->size() : 0;  // Of a character, from the last read.
  return scratch.first(profile().service.max_message.count - half);
}

Session::End Session::on_input() {
  const auto space = input_space();
  const auto read = connection_.read(space);
  if (read.kind != Connection::Read::Kind::Data) [[unlikely]]
    return on_no_data(read.kind);
  record_.received_bytes += read.size;
  counters().received_bytes.add(read.size);
  const std::string_view input{space.data(), read.size};
  if (!is_sniffed_) [[unlikely]] {
    if (const auto wrong = sniff(input)) return refuse_protocol(*wrong);
  }
  if (const auto end = answer(input)) return end;
  note_input();
  return is_ending_ && !is_backlogged_ ? End{ending_} : End{};
}

Session::End Session::on_no_data(Connection::Read::Kind kind) {
  if (kind == Connection::Read::Kind::Failed) return EndReason::ClientReset;
  if (kind == Connection::Read::Kind::Eof) return on_eof();
  return is_ending_ ? End{ending_} : End{};
}

Session::End Session::answer_held() {
  if (const auto input = std::exchange(held_, nullptr)) {
    if (const auto end = answer(*input)) return end;
    note_input();
  }
  return is_ending_ && !is_backlogged_ ? End{ending_} : End{};
}

// The client sends no more: its unfinished line, or half character, is its last message.
Session::End Session::on_eof() {
  has_ended_ = true;
  End end;
  // One of them at most, but whichever: a reload may have changed the framing since.
  if (const auto half = std::exchange(held_, nullptr)) {
    end = answer_message(*half);
  } else if (const auto last = framer_.finish()) {
    end = answer_message(*last);
  }
  if (const auto failure = send_batch()) return failure;
  return end ? end : End{is_ending_ ? ending_ : EndReason::ClientEof};
}

Session::End Session::greet(Clock::time_point waits_since) {
  render(profile().greeting, {});
  const auto end = send_batch();
  const auto now = Clock::now();
  greeted_at_ = last_byte_at_ = now;
  has_nearer_deadline_ = true;
  counters().greeting_delay.observe(static_cast<std::uint64_t>((now - waits_since).count()));
  if (const auto lifetime = profile().timeouts.max_lifetime; lifetime.count() > 0) {
    // Jittered, so that those who came together do not have to come back together.
    std::uniform_real_distribution<double> share{0.9, 1.0};
    const auto jittered = static_cast<double>(lifetime.count()) * share(worker_.random());
    rare().lifetime_end = now + std::chrono::nanoseconds{static_cast<std::int64_t>(jittered)};
  }
  return end;
}

void Session::hold(std::string_view input) {
  if (!input.empty()) held_ = std::make_unique<std::string>(input);
}

void Session::say(std::string_view line) {
  const bool is_slow = connection_.queued() > profile().output.soft.count;
  if (is_shaking_hands_) return;
  // After a goodbye there is no more to say, and a send after our FIN fails.
  if (is_slow || is_parting_ || has_ended_ || line.empty()) return;
  // Left to them again after the next silence, which begins with input.
  if (is_left_to_probes_) connection_.set_user_timeout(net::KeepaliveOptions{}.user_timeout);
  if (!is_at_line_start_) worker_.batch().text += '\n';
  worker_.batch().text += line;
  // A peer that is gone is found out by the next event of its socket.
  [[maybe_unused]] const auto ignored = send_batch();
  arm();
}

// The first read decides mostly, and then no sniffer is kept.
protocol::Sniffer::Verdict Session::sniff(std::string_view input) {
  protocol::Sniffer first;
  auto& sniffer = sniffer_ ? *sniffer_ : first;
  const auto verdict = sniffer.feed(input);
  is_sniffed_ = sniffer.done();
  if (is_sniffed_) {
    sniffer_.reset();
  } else if (!sniffer_) {
    sniffer_ = std::make_unique<protocol::Sniffer>(first);
  }
  return verdict;
}

Session::End Session::refuse_protocol(protocol::WrongProtocol wrong) {
  if (wrong == protocol::WrongProtocol::Tls) worker_.batch().text += protocol::kTlsAlert;
  if (wrong == protocol::WrongProtocol::Http) worker_.batch().text += protocol::kHttpAnswer;
  if (const auto failure = send_batch()) return failure;
  return to_end_reason(wrong);
}

}  // namespace chatgate::session
