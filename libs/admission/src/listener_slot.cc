#include <utility>

#include <chatgate/admission/access_list.h>
#include <chatgate/admission/listener_slot.h>

namespace chatgate::admission {
namespace {

std::uint32_t slots_of(const ListenerLimits& limits) noexcept {
  return limits.max_connections == 0 ? Slots::kUnlimited : limits.max_connections;
}

}  // namespace

struct ListenerSlot::Access {
  explicit Access(const ListenerLimits& limits) : allow{limits.allow}, deny{limits.deny} {}

  AccessList allow;
  AccessList deny;
};

ListenerSlot::ListenerSlot(Admission& admission, base::ListenerId id, const ListenerLimits& limits)
    : admission_{admission},
      id_{id},
      slots_{slots_of(limits)},
      access_{std::make_shared<const Access>(limits)} {}

ListenerSlot::~ListenerSlot() = default;

std::uint32_t ListenerSlot::limit() const noexcept {
  const auto limit = slots_.limit();
  return limit == Slots::kUnlimited ? 0 : limit;
}

void ListenerSlot::apply(const ListenerLimits& limits) {
  slots_.set_limit(slots_of(limits));
  // The old lists are freed after the lock, by whoever used them last.
  auto access = std::make_shared<const Access>(limits);
  base::MutexLock lock{mutex_};
  access_.swap(access);
}

bool ListenerSlot::lets_in(const net::IpAddress& source) const {
  if (source.family == net::IpAddress::Family::None) return true;
  const auto access = [this] {
    base::MutexLock lock{mutex_};
    return access_;
  }();
  if (access->deny.contains(source)) return false;
  return access->allow.empty() || access->allow.contains(source);
}

}  // namespace chatgate::admission
