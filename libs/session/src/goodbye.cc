#include <chatgate/session/goodbye.h>

namespace chatgate::session {
namespace {

using net::Connection;
using net::Wake;

// Reads and drops what is there now. Returns whether there may be more, within the bound.
bool discard(Connection& connection, net::EventLoop& loop, std::size_t& bytes_left) {
  const auto read = connection.read(loop.scratch());
  if (read.kind == Connection::Read::Kind::Nothing) return true;
  if (read.kind != Connection::Read::Kind::Data || read.size >= bytes_left) return false;
  bytes_left -= read.size;
  return true;
}

}  // namespace

net::Task<Goodbye> say_goodbye(Connection& connection, net::EventLoop& loop, GoodbyeLimits limits) {
  connection.set_deadline(Connection::Clock::now() + limits.flush);
  while (connection.queued() > 0 && limits.flush.count() > 0) {
    const auto drained = connection.drained(0, 0);
    const Wake wake = co_await drained;
    if (wake == Wake::TimedOut) co_return Goodbye::Unheard;
    if (wake == Wake::Failed) co_return Goodbye::PeerGone;
    if (wake == Wake::Told) co_return Goodbye::Told;
  }
  connection.shut_down_output();
  if (limits.linger.count() == 0) co_return Goodbye::Said;

  connection.set_deadline(Connection::Clock::now() + limits.linger);
  for (auto bytes_left = kLingerBytesMax; discard(connection, loop, bytes_left);) {
    const auto readable = connection.readable();
    const Wake wake = co_await readable;
    if (wake == Wake::Told) co_return Goodbye::Told;
    if (wake != Wake::Ready) break;
  }
  co_return Goodbye::Said;
}

}  // namespace chatgate::session
