#pragma once

#include "newcomer.h"

#include <chrono>
#include <cstddef>
#include <list>
#include <string>

#include <chatgate/base/units.h>
#include <chatgate/net/event_loop.h>
#include <chatgate/protocol/proxy_header.h>
#include <chatgate/service/place_budget.h>
#include <chatgate/session/end_reason.h>

namespace chatgate::service {

/// Connections of one listener whose PROXY header has not come as a whole, off the accept path.
///
/// A header is looked at where the kernel keeps it (MSG_PEEK) and taken out alone, so what follows
/// it stays in the socket for the session. When all places are taken, who waits longest here makes
/// room: a proxy sends its header with its first packet, so that is nobody's client.
///
/// Threads: confined to `loop`.
class HeaderWaits {
 public:
  using Clock = base::Clock;

  class Handler {
   public:
    /// The header has been read.
    virtual void on_header(Newcomer newcomer, const protocol::ProxyHeader& header) = 0;
    /// It will not be: `reason` is ProxyTimeout or ProxyInvalid, `error` says what was wrong.
    virtual void on_no_header(Newcomer newcomer, session::EndReason reason, std::string error) = 0;
    /// Those whose headers came together have been told of.
    virtual void on_turn_ended() = 0;

   protected:
    ~Handler() = default;
  };

  HeaderWaits(net::EventLoop& loop, PlaceBudget& places, Handler& handler);
  /// Requires that nobody waits.
  ~HeaderWaits();
  HeaderWaits(const HeaderWaits&) = delete;
  HeaderWaits& operator=(const HeaderWaits&) = delete;

  /// Reads the header now if it is there, and else waits for it until `deadline`.
  void await(Newcomer newcomer, Clock::time_point deadline);

  /// Gives those who wait `time` more, in which the loop does nothing else, and then sends them
  /// away: for the last moment before the listener closes.
  void finish(std::chrono::milliseconds time);

 private:
  class Wait;

  /// What a look at a socket gave.
  struct Look {
    protocol::ProxyParse parse;
    std::size_t seen = 0;
    std::string error;  // Of an invalid one.
  };

  Look look(int socket, bool has_ended) const;
  bool tell(Newcomer& newcomer, const Look& look);
  void look_again(Wait& wait, bool has_ended);
  void give_up(Wait& wait, const char* error);
  void make_room();
  Newcomer take(Wait& wait);

  net::EventLoop& loop_;
  PlaceBudget& places_;
  Handler& handler_;
  std::list<Wait> waits_;  // Who waits longest is first.
};

}  // namespace chatgate::service
