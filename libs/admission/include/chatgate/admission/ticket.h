#pragma once

#include <chatgate/admission/penalty.h>
#include <chatgate/base/units.h>

namespace chatgate::admission {

class ListenerSlot;
struct SourceEntry;

/// The places that one admitted connection holds: of all connections, of its listener, of its
/// source. Gives each back exactly once, whatever a reload changed meanwhile.
///
/// Threads: may be moved to and destroyed on any thread; one thread at a time.
/// Lifetime: ends before its Admission; may outlive its listener.
/// Cost: 16 bytes; the destructor takes no lock and runs the hook of Admission::set_on_release()
///   when somebody waits.
class [[nodiscard]] Ticket {
 public:
  /// Holds nothing.
  Ticket() = default;
  Ticket(Ticket&& other) noexcept;
  Ticket& operator=(Ticket&& other) noexcept;
  ~Ticket();

  /// Makes the source of the connection pay, if it is counted for one.
  void penalize(Offence offence, base::Clock::time_point now) const;

  explicit operator bool() const noexcept { return listener_ != nullptr; }

 private:
  friend class Admission;
  Ticket(ListenerSlot& listener, SourceEntry* source) noexcept;

  ListenerSlot* listener_ = nullptr;
  SourceEntry* source_ = nullptr;  // None for a connection that is not counted for its source.
};
static_assert(sizeof(Ticket) <= 16);

}  // namespace chatgate::admission
