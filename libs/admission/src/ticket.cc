#include <utility>

#include <chatgate/admission/admission.h>
#include <chatgate/admission/ticket.h>

namespace chatgate::admission {

Ticket::Ticket(ListenerSlot& listener, SourceEntry* source) noexcept
    : listener_{&listener}, source_{source} {}

Ticket::Ticket(Ticket&& other) noexcept
    : listener_{std::exchange(other.listener_, nullptr)},
      source_{std::exchange(other.source_, nullptr)} {}

Ticket& Ticket::operator=(Ticket&& other) noexcept {
  Ticket taken{std::move(other)};
  std::swap(listener_, taken.listener_);
  std::swap(source_, taken.source_);
  return *this;
}

void Ticket::penalize(Offence offence, base::Clock::time_point now) const {
  if (source_ != nullptr) listener_->admission_.penalize(*source_, offence, now);
}

Ticket::~Ticket() {
  if (listener_ == nullptr) return;
  if (source_ != nullptr) SourceTable::release(*source_);
  // Read first: a removed listener may be freed as soon as it has its place back.
  Admission& admission = listener_->admission_;
  listener_->slots_.give_back();
  admission.total_.give_back();
  admission.wake_waiting();
}

}  // namespace chatgate::admission
