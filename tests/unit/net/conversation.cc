#include "conversation.h"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace chatgate::net {
namespace {

// Returns whether there may be more to read.
bool read_once(Connection& connection, std::vector<char>& buffer, Events& events) {
  const auto read = connection.read(buffer);
  switch (read.kind) {
    case Connection::Read::Kind::Data:
      events.add({buffer.data(), read.size});
      return true;
    case Connection::Read::Kind::Nothing:
      events.add("<nothing>");
      return true;
    case Connection::Read::Kind::Eof:
      events.add("<eof>");
      return false;
    case Connection::Read::Kind::Failed:
      events.add("<failed>");
      return false;
  }
  return false;
}

RootTask read_all(Connection& connection, std::size_t bytes, Events& events) {
  std::vector<char> buffer(bytes);
  while (true) {
    const auto wake = co_await connection.readable();
    if (wake != Wake::Ready) events.add(word(wake));
    if (wake == Wake::TimedOut) continue;
    if (wake != Wake::Ready) co_return;
    if (!read_once(connection, buffer, events)) co_return;
  }
}

}  // namespace

void PrintTo(const Transport& transport, std::ostream* out) { *out << transport.name; }

const char* word(Wake wake) {
  switch (wake) {
    case Wake::Ready:
      return "ready";
    case Wake::TimedOut:
      return "timed out";
    case Wake::Told:
      return "told";
    case Wake::Failed:
      return "failed";
  }
  return "?";
}

Conversation::Conversation(EventLoop& loop, UniqueFd socket, Events& events)
    : loop_{loop}, events_{events} {
  loop_.run([&] {
    Connection::Observer& observer = *this;
    connection_ = std::make_unique<Connection>(loop_, std::move(socket), observer);
    const auto error = connection_->open();
    EXPECT_FALSE(error) << error.message();
  });
}

void Conversation::start(Script script) {
  // Kept, for the coroutine of a lambda finds its captures in it.
  const auto& kept = scripts_.emplace_back(std::make_unique<Script>(std::move(script)));
  loop_.run([&] { (*kept)(*connection_); });
}

void Conversation::start_reading(std::size_t bytes) {
  start([this, bytes](auto& connection) { return read_all(connection, bytes, events_); });
}

void Conversation::end() {
  loop_.run([this] { end_here(); });
}

void Conversation::end_here() {
  if (connection_) connection_->tell();
  connection_.reset();
}

void Conversation::on_reply_flushed(Connection::Clock::time_point asked_at,
                                    Connection::Clock::time_point /*now*/) {
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(asked_at.time_since_epoch());
  events_.add("reply " + std::to_string(seconds.count()));
}

}  // namespace chatgate::net
