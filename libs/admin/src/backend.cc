#include <chatgate/admin/backend.h>
#include <chatgate/base/assert.h>

namespace chatgate::admin {

std::string_view to_token(ReloadResult::Outcome outcome) noexcept {
  switch (outcome) {
    case ReloadResult::Outcome::Applied:
      return "applied";
    case ReloadResult::Outcome::Rejected:
      return "rejected";
    case ReloadResult::Outcome::RequiresRestart:
      return "requires_restart";
    case ReloadResult::Outcome::Unchanged:
      return "unchanged";
  }
  CHATGATE_ASSERT(false);
}

}  // namespace chatgate::admin
