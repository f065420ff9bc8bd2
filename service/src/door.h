#pragma once

#include "header_waits.h"
#include "newcomer.h"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include <chatgate/service/acceptor_thread.h>

namespace chatgate::service {

/// One listening socket of one acceptor: who comes to it is admitted, refused, or waits.
///
/// Threads: confined to the acceptor's loop.
class AcceptorThread::Door final : private net::Acceptor::Handler, private HeaderWaits::Handler {
 public:
  Door(const AcceptorContext& context, net::EventLoop& loop, Dismissals& dismissals,
       AcceptedListener listener, net::ListeningSocket socket, net::SpareDescriptor& spare);
  ~Door();

  base::ListenerId id() const noexcept { return listener_.id; }
  const net::ListeningSocket& socket() const noexcept { return acceptor_.socket(); }

  void open() { acceptor_.start(); }

  /// Decides on everybody in the queue now, whatever `over_limit` says, and stops accepting.
  void finish_queue();

  /// Accepts again if there is room now.
  void look_again();

  /// Counts `time` if the door waits for room.
  void count_waiting(std::chrono::nanoseconds time) {
    if (is_waiting_) context_.counters.paused_ns.add(static_cast<std::uint64_t>(time.count()));
  }

 private:
  using Clock = base::Clock;

  void on_accepted(net::UniqueFd socket, const net::PeerAddress& peer,
                   Clock::time_point now) override;
  void on_turn_ended() override;
  void on_exhausted(net::UniqueFd socket, const net::PeerAddress& peer) override;
  void on_accept_error(int error) override;
  void on_header(Newcomer newcomer, const protocol::ProxyHeader& header) override;
  void on_no_header(Newcomer newcomer, session::EndReason reason, std::string error) override;

  void await_header(Newcomer newcomer);
  void decide(Newcomer newcomer);
  void decide_held();
  void admit(Newcomer newcomer, admission::Ticket ticket);
  void refuse(Newcomer newcomer, admission::Refusal refusal);
  void refuse_silently(Newcomer newcomer, session::EndReason reason, std::string_view error = {});
  void count_refused(const Newcomer& newcomer, session::EndReason reason,
                     std::string_view error = {});
  std::string refusal_text(session::EndReason reason, base::SessionId id) const;
  base::SessionId next_id() noexcept;
  bool waits_at_limit() const noexcept;
  void wait_for_room();

  const AcceptorContext& context_;
  net::EventLoop& loop_;
  Dismissals& dismissals_;
  const AcceptedListener listener_;
  net::Acceptor acceptor_;
  std::vector<std::vector<session::Arrival>> leaving_;  // Admitted in this turn, for each worker.
  std::vector<Newcomer> held_;                          // Came in while the last place was taken.
  HeaderWaits header_waits_;
  bool is_waiting_ = false;
  bool is_closing_ = false;
  Clock::time_point error_logged_at_;
};

}  // namespace chatgate::service
