#pragma once

#include <chrono>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <chatgate/admission/admission.h>

namespace chatgate::admission {

inline net::IpAddress ip(std::string_view text) { return net::IpAddress::parse(text).value(); }
inline net::Cidr cidr(std::string_view text) { return net::Cidr::parse(text).value(); }

/// Address number `n` of 10.0.0.0/8.
inline net::IpAddress numbered(std::uint32_t n) {
  net::IpAddress address{.family = net::IpAddress::Family::V4};
  address.bytes = {10, static_cast<std::uint8_t>(n >> 16), static_cast<std::uint8_t>(n >> 8),
                   static_cast<std::uint8_t>(n)};
  return address;
}

/// Options of which a test sets what it is about: nothing else bites.
inline LimitOptions wide_open() {
  LimitOptions options{.max_connections = 1'000'000};
  options.per_source.max = 0;
  options.per_source.rate = base::Rate{0};
  options.per_source.exempt.clear();
  return options;
}

/// A gate with one listener, at one instant, that keeps the tickets of those who are in.
class AdmissionTest : public ::testing::Test {
 protected:
  using Family = net::IpAddress::Family;

  /// Lets one in and keeps the ticket. Returns why not, or nullopt.
  std::optional<Refusal> enter(ListenerSlot& listener, const net::IpAddress& source) {
    auto admitted = admission_.admit(listener, source, now_);
    if (!admitted) return admitted.error();
    inside_.push_back(*std::move(admitted));
    return std::nullopt;
  }
  std::optional<Refusal> enter(std::string_view source) { return enter(public_, ip(source)); }

  void one_leaves() { inside_.pop_back(); }
  void all_leave() { inside_.clear(); }

  LimitOptions options_ = wide_open();
  Admission admission_{options_};
  ListenerSlot& public_ = admission_.add_listener(base::ListenerId{1}, ListenerLimits{});
  base::Clock::time_point now_ = base::Clock::time_point{} + std::chrono::hours{1};
  std::vector<Ticket> inside_;  // Last: tickets end before their admission.
};

}  // namespace chatgate::admission
