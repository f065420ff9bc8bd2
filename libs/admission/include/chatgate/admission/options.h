#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include <chatgate/base/units.h>
#include <chatgate/net/address.h>

namespace chatgate::admission {

/// Whether a limit refuses (`enforce`), only counts what it would refuse (`observe`), or sleeps.
enum class Mode : std::uint8_t { Enforce, Observe, Off };

/// What its source pays, in time, for what a client did. Penalties add up and decay in real time.
/// Once they amount to `min`, the source is refused until nothing is left of them; they never touch
/// a connection that is open.
struct PenaltyOptions {
  Mode mode = Mode::Enforce;
  std::chrono::nanoseconds wrong_protocol = std::chrono::seconds{10};
  std::chrono::nanoseconds idle_before_first_message = std::chrono::seconds{5};
  std::chrono::nanoseconds protocol_error = std::chrono::seconds{2};
  std::chrono::nanoseconds min = std::chrono::seconds{15};
  std::chrono::nanoseconds max = std::chrono::minutes{10};
  // For so long after the start they are counted and refuse nobody: a restart makes clients hurry.
  std::chrono::nanoseconds bootwait = std::chrono::minutes{2};

  friend bool operator==(const PenaltyOptions&, const PenaltyOptions&) = default;
};

/// Bounds on the connections of one source: an address, or the block of its first bits.
struct PerSourceOptions {
  Mode mode = Mode::Enforce;
  std::uint32_t max = 64;  // Open at one time; 0 = no bound.
  base::Rate rate{20};     // New ones, as a token bucket of `burst` tokens; 0 = no bound.
  std::uint32_t burst = 40;
  std::uint8_t v4_prefix = 32;  // Leading bits that make a source.
  std::uint8_t v6_prefix = 64;
  std::vector<net::Cidr> exempt{net::Cidr::parse("127.0.0.0/8").value(),
                                net::Cidr::parse("::1/128").value()};
  PenaltyOptions penalties;

  friend bool operator==(const PerSourceOptions&, const PerSourceOptions&) = default;
};

/// Bounds on everybody together.
struct LimitOptions {
  std::uint32_t max_connections = 10'000;  // Already lowered to what descriptors allow.
  Mode mode = Mode::Enforce;               // Of this limit and of each listener's.
  PerSourceOptions per_source;

  friend bool operator==(const LimitOptions&, const LimitOptions&) = default;
};

/// Bounds on one listener.
struct ListenerLimits {
  std::uint32_t max_connections = 0;  // 0 = the global limit alone.
  std::vector<net::Cidr> allow;       // Empty = everyone.
  std::vector<net::Cidr> deny;
  bool needs_proxy_header = false;       // The client is who a PROXY header names.
  std::vector<net::Cidr> proxy_trusted;  // Whose headers are believed.
  bool is_encrypted = false;             // Who is refused can read no plain text.

  friend bool operator==(const ListenerLimits&, const ListenerLimits&) = default;
};

}  // namespace chatgate::admission
