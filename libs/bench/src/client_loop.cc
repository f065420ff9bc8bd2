#include "client_loop.h"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <fmt/format.h>

namespace chatgate::bench {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kRefusal = "421 ";
constexpr std::size_t kOpeningMax = 64;  // At one time: small backlogs hold 128.

std::string repeat(const std::string& text, std::size_t times) {
  std::string result;
  result.reserve(text.size() * times);
  for (std::size_t i = 0; i < times; ++i) result += text;
  return result;
}

// With the client's number for each `{n}`: what registers needs a name of its own.
std::vector<std::string> preambles_for(const std::string& text, const Share& share) {
  constexpr std::string_view kNumber = "{n}";
  if (text.find(kNumber) == std::string::npos) return {text};
  std::vector<std::string> preambles;
  for (std::size_t i = 0; i < share.connections + share.idle_connections; ++i) {
    auto& preamble = preambles.emplace_back(text);
    const auto number = std::to_string(share.first + i);
    for (std::size_t at = 0; (at = preamble.find(kNumber, at)) != std::string::npos;) {
      preamble.replace(at, kNumber.size(), number);
    }
  }
  return preambles;
}

}  // namespace

ClientLoop::ClientLoop(const Options& options, const Share& share, const Route& route, Tally& tally,
                       const std::atomic<bool>& stop)
    : options_{options},
      share_{share},
      tally_{tally},
      stop_{stop},
      message_{options.message + options.line_end},
      messages_{repeat(message_, options.window)},
      preambles_{preambles_for(options.preamble, share)},
      clients_(share.connections + share.idle_connections),
      sent_at_(share.connections * options.window),
      engine_{make_engine(options.engine, route, clients_.size())} {}

void ClientLoop::pump(std::chrono::nanoseconds timeout) {
  // Many that wait for a busy server have their replies at its pace, whoever takes them together
  // or one by one. An open loop tells each reply's latency, and takes it at once.
  const auto wanted = schedule_ ? 1 : std::clamp<std::size_t>(working_ / 6, 1, 16);
  engine_->wait(std::clamp<std::chrono::nanoseconds>(timeout, 0ns, kTick),
                static_cast<unsigned>(wanted), *this);
  if (now_ - checked_ >= kTick) check_timeouts();
}

void ClientLoop::open_all() {
  auto next = static_cast<ClientId>(options_.mode == Mode::Connection ? share_.connections : 0);
  while (!stop_ && (next < clients_.size() || opening_ > 0)) {
    while (next < clients_.size() && opening_ < kOpeningMax && open(next, now_)) ++next;
    pump(kTick);
  }
}

// False when the server's backlog is full and the same client must be tried again later.
bool ClientLoop::open(ClientId id, Time intended) {
  const int error = engine_->open(id, options_.greeting_lines == 0);
  if (error == EAGAIN) return false;
  if (error != 0) {
    clients_[id] = {};
    fail(id, Fault::NotConnected, std::generic_category().message(error));
    if (is_worker(id) && options_.mode == Mode::Connection) free_.push_back(id);
    return true;
  }
  clients_[id] = {};
  clients_[id].since = now_;
  if (is_worker(id)) sent_at_[id * options_.window] = intended;
  ++opening_;
  if (is_worker(id)) ++working_;
  enter(id, Stage::Greeting);
  return true;
}

void ClientLoop::enter(ClientId id, Stage stage) {
  auto& client = clients_[id];
  client.stage = stage;
  client.lines = 0;
  if (stage == Stage::Preamble) {
    if (options_.preamble.empty()) return enter(id, Stage::Opener);
    engine_->send(id, preambles_[id % preambles_.size()]);
    if (options_.preamble_replies == 0) return enter(id, Stage::Opener);
  } else if (stage == Stage::Opener) {
    if (!options_.talk) return on_ready(id);
    engine_->send(id, message_);
  }
}

void ClientLoop::on_connected(ClientId id) { on_greeted(id); }

void ClientLoop::on_greeted(ClientId id) {
  tally_.greet();
  if (options_.mode == Mode::Idle && is_worker(id)) tally_.complete(now_ - sent_at_[id]);
  enter(id, Stage::Preamble);
}

void ClientLoop::on_ready(ClientId id) {
  auto& client = clients_[id];
  client.stage = Stage::Talking;
  client.lines = 0;
  client.since = now_;
  --opening_;
  if (options_.mode == Mode::Connection && is_worker(id)) say(id, 1);
}

void ClientLoop::on_received(ClientId id, std::string_view bytes) {
  auto& client = clients_[id];
  if (client.stage != Stage::Talking) [[unlikely]]
    return on_lines_before_talk(id, bytes);
  on_lines(id, count_lines(client, bytes));
}

std::uint64_t ClientLoop::count_lines(Client& client, std::string_view bytes) const {
  const auto& ignore = options_.ignore;
  if (ignore.empty()) [[likely]] {
    return static_cast<std::uint64_t>(std::count(bytes.begin(), bytes.end(), '\n'));
  }
  std::uint64_t lines = 0;
  for (const char byte : bytes) {
    if (byte == '\n') {
      if (client.ignored != ignore.size()) ++lines;
      client.ignored = 0;
    } else if (client.ignored < ignore.size()) {
      const bool same = byte == ignore[client.ignored];
      client.ignored = same ? static_cast<std::uint8_t>(client.ignored + 1) : UINT8_MAX;
    }
  }
  return lines;
}

bool ClientLoop::is_refusal(Client& client, std::string_view bytes) {
  for (const char byte : bytes) {
    if (client.refusal >= kRefusal.size()) break;
    if (byte != kRefusal[client.refusal]) {
      client.refusal = UINT8_MAX;
      return false;
    }
    ++client.refusal;
  }
  return client.refusal == kRefusal.size();
}

// Greeting, preamble and opener may come in one piece, or a byte at a time.
void ClientLoop::on_lines_before_talk(ClientId id, std::string_view bytes) {
  auto& client = clients_[id];
  if (client.stage == Stage::Greeting && is_refusal(client, bytes)) {
    tally_.refuse(bytes.substr(0, bytes.find_first_of("\r\n")));
    ended_ += owed_by(id);
    return end_conversation(id);
  }
  auto lines = static_cast<std::uint32_t>(count_lines(client, bytes));
  while (lines > 0 && client.stage != Stage::Talking && client.stage != Stage::Closed) {
    const bool greeting = client.stage == Stage::Greeting;
    const auto wanted =
        static_cast<std::uint32_t>(greeting                          ? options_.greeting_lines
                                   : client.stage == Stage::Preamble ? options_.preamble_replies
                                                                     : options_.reply_lines);
    const auto taken = std::min(lines, wanted - client.lines);
    client.lines += taken;
    lines -= taken;
    if (client.lines < wanted) break;
    if (greeting) {
      on_greeted(id);
    } else if (client.stage == Stage::Preamble) {
      enter(id, Stage::Opener);
    } else {
      on_ready(id);
    }
  }
  client.since = now_;
  if (lines > 0) on_lines(id, lines);
}

void ClientLoop::on_lines(ClientId id, std::uint64_t lines) {
  auto& client = clients_[id];
  if (options_.reply_lines > 1) {
    lines += client.lines;
    client.lines = static_cast<std::uint32_t>(lines % options_.reply_lines);
    lines /= options_.reply_lines;
  }
  if (lines > client.waiting()) [[unlikely]] {
    return abandon(id, Fault::Surplus,
                   fmt::format("{} replies to {} messages", lines, client.waiting()));
  }
  if (lines > 0) on_replies(id, lines);
}

ClientLoop::Time ClientLoop::intended_at(ClientId id, std::uint64_t message) const {
  if (schedule_ && options_.mode == Mode::Message) {
    return schedule_->due(id + message * share_.connections);
  }
  return sent_at_[id * options_.window + message % options_.window];
}

void ClientLoop::on_replies(ClientId id, std::uint64_t replies) {
  auto& client = clients_[id];
  client.since = now_;
  for (std::uint64_t i = 0; i < replies; ++i) {
    tally_.complete(now_ - intended_at(id, client.replied));
    ++client.replied;
  }
  ended_ += replies;
  failures_in_row_ = 0;
  if (options_.mode == Mode::Connection) return end_conversation(id);
  top_up(id);
}

// What the client may send now: in a closed loop all that fits, in an open loop what is due.
void ClientLoop::top_up(ClientId id) {
  auto& client = clients_[id];
  auto room = options_.window - client.waiting();
  if (schedule_) {
    room = std::min(room, client.due - client.sent);
  } else {
    if (!asking_) return;
    if (limit_ > 0) room = std::min(room, limit_ - asked_);
    asked_ += room;
  }
  if (room > 0) say(id, room);
}

void ClientLoop::say(ClientId id, std::uint64_t messages) {
  auto& client = clients_[id];
  if (client.waiting() == 0) client.since = now_;
  if (!schedule_ && options_.mode == Mode::Message) {
    for (std::uint64_t i = 0; i < messages; ++i) {
      sent_at_[id * options_.window + (client.sent + i) % options_.window] = now_;
    }
  }
  client.sent += messages;
  engine_->send(id, std::string_view{messages_}.substr(0, messages * message_.size()));
}

}  // namespace chatgate::bench
