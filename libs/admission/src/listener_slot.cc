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
  explicit Access(const ListenerLimits& limits)
      : allow{limits.allow},
        deny{limits.deny},
        trusted{limits.proxy_trusted},
        needs_proxy_header{limits.needs_proxy_header} {}

  AccessList allow;
  AccessList deny;
  AccessList trusted;
  bool needs_proxy_header;
};

ListenerSlot::ListenerSlot(Admission& admission, base::ListenerId id, const ListenerLimits& limits)
    : admission_{admission},
      id_{id},
      slots_{slots_of(limits)},
      needs_proxy_header_{limits.needs_proxy_header},
      is_encrypted_{limits.is_encrypted},
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
  {
    base::MutexLock lock{mutex_};
    access_.swap(access);
  }
  needs_proxy_header_ = limits.needs_proxy_header;
  is_encrypted_ = limits.is_encrypted;
}

std::shared_ptr<const ListenerSlot::Access> ListenerSlot::access() const {
  base::MutexLock lock{mutex_};
  return access_;
}

PeerVerdict ListenerSlot::judge(const net::IpAddress& peer) const {
  const auto lists = access();
  if (!lists->needs_proxy_header) return PeerVerdict::IsClient;
  if (peer.family == net::IpAddress::Family::None) return PeerVerdict::AwaitHeader;
  if (lists->deny.contains(peer)) return PeerVerdict::Denied;
  return lists->trusted.contains(peer) ? PeerVerdict::AwaitHeader : PeerVerdict::Untrusted;
}

bool ListenerSlot::lets_in(const net::IpAddress& source) const {
  if (source.family == net::IpAddress::Family::None) return true;
  const auto lists = access();
  if (lists->deny.contains(source)) return false;
  return lists->allow.empty() || lists->allow.contains(source);
}

}  // namespace chatgate::admission
