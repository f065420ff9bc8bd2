#include <chatgate/admission/overload.h>
#include <chatgate/base/assert.h>

namespace chatgate::admission {

std::string_view word(OverloadCause cause) noexcept {
  switch (cause) {
    case OverloadCause::Connections:
      return "connections";
    case OverloadCause::Memory:
      return "memory";
    case OverloadCause::Operator:
      return "operator";
  }
  CHATGATE_ASSERT(false);
}

OverloadWatch::State OverloadWatch::look(const Look& look, std::chrono::nanoseconds first_message) {
  if (const auto cause = cause_of(look)) {
    if (state_.level == OverloadLevel::None) {
      state_.level = OverloadLevel::Newcomers;
      began_at_ = look.at;
    }
    state_.cause = *cause;
    calm_since_.reset();
  } else if (look.places >= kEarlyDropFrom) {
    calm_since_.reset();
  } else if (!calm_since_) {
    calm_since_ = look.at;
  }
  if (state_.level == OverloadLevel::None) return state_;
  if (calm_since_ && look.at - *calm_since_ >= kCalmFor) {
    state_.level = OverloadLevel::None;
  } else if (look.at > began_at_ && look.at - began_at_ >= first_message) {
    state_.level = OverloadLevel::All;
  }
  return state_;
}

// What makes an overload begin, or go on.
std::optional<OverloadCause> OverloadWatch::cause_of(const Look& look) noexcept {
  if (!look.is_full) {
    full_since_.reset();
  } else if (!full_since_) {
    full_since_ = look.at;
  }
  if (state_.is_forced) return OverloadCause::Operator;
  if (look.memory >= kEarlyDropFrom) return OverloadCause::Memory;
  const bool is_full = full_since_ && look.at - *full_since_ >= kFullFor;
  return is_full ? std::optional{OverloadCause::Connections} : std::nullopt;
}

bool OverloadWatch::release() noexcept {
  if (!state_.is_forced) return false;
  reset();
  return true;
}

}  // namespace chatgate::admission
