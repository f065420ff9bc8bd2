#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include <chatgate/admission/options.h>
#include <chatgate/admission/slots.h>
#include <chatgate/base/mutex.h>
#include <chatgate/base/strong_id.h>
#include <chatgate/net/address.h>

namespace chatgate::admission {

class Admission;

/// What is to be done with a peer before anything is said.
enum class PeerVerdict : std::uint8_t {
  IsClient,     // Admission::admit() decides on it.
  AwaitHeader,  // Its PROXY header names the client to decide on.
  Denied,       // The listener's `deny` has it.
  Untrusted,    // It must send a header, and may not.
};

/// One listener's part of admission: its access lists and its limit.
///
/// Threads: any.
/// Lifetime: made by Admission::add_listener(), ends some time after Admission::remove_listener(),
///   but never before its last ticket.
class ListenerSlot {
 public:
  /// Use Admission::add_listener().
  ListenerSlot(Admission& admission, base::ListenerId id, const ListenerLimits& limits);
  ~ListenerSlot();
  ListenerSlot(const ListenerSlot&) = delete;
  ListenerSlot& operator=(const ListenerSlot&) = delete;

  base::ListenerId id() const noexcept { return id_; }

  /// Whether clients come behind a PROXY header; judge() has the last word.
  bool needs_proxy_header() const noexcept {
    return needs_proxy_header_.load(std::memory_order_relaxed);
  }

  /// Whether clients of this listener read nothing that is not TLS.
  bool is_encrypted() const noexcept { return is_encrypted_.load(std::memory_order_relaxed); }

  /// What comes before admit() for a peer of a listener with needs_proxy_header(). `allow` is for
  /// clients and not looked at; the peer of a Unix socket is trusted, as the file permits it.
  PeerVerdict judge(const net::IpAddress& peer) const;

  /// Connections admitted and not yet given back.
  std::uint32_t open() const noexcept { return slots_.taken(); }

  /// The listener's own limit; 0 when it has none.
  std::uint32_t limit() const noexcept;

 private:
  friend class Admission;
  friend class Ticket;

  struct Access;

  void apply(const ListenerLimits& limits);
  std::shared_ptr<const Access> access() const;
  bool lets_in(const net::IpAddress& source) const;

  Admission& admission_;
  const base::ListenerId id_;
  Slots slots_;
  std::atomic<bool> needs_proxy_header_;
  std::atomic<bool> is_encrypted_;

  mutable base::Mutex mutex_;
  std::shared_ptr<const Access> access_ CHATGATE_GUARDED_BY(mutex_);
};

}  // namespace chatgate::admission
