#pragma once

#include <memory>
#include <utility>
#include <vector>

#include <chatgate/service/gateway.h>

namespace chatgate::service {

/// Listeners that a reload removed, while their sessions are sent away.
struct Gateway::Removal {
  std::vector<base::ListenerId> ids;
  std::vector<const admission::ListenerSlot*> slots;
  std::unique_ptr<Farewell> farewell;

  bool has_sessions() const noexcept {
    return std::any_of(slots.begin(), slots.end(), [](auto* slot) { return slot->open() > 0; });
  }
};

}  // namespace chatgate::service
