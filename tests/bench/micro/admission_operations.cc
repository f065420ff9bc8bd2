#include "operation.h"

#include <array>
#include <chrono>
#include <memory>
#include <random>
#include <string_view>
#include <utility>

#include <benchmark/benchmark.h>

#include <chatgate/admission/access_list.h>
#include <chatgate/admission/admission.h>
#include <chatgate/base/assert.h>

namespace chatgate::bench {
namespace {

using namespace std::chrono_literals;

/// Admission as it is by default, but for rates, with one listener.
class Entrance {
 public:
  explicit Entrance(std::uint32_t max_connections = 10'000)
      : admission_{{.max_connections = max_connections,
                    .per_source = {.rate = base::Rate{100'000}, .burst = 1'000'000}}} {}

  base::Expected<admission::Ticket, admission::Refusal> admit(const net::IpAddress& source) {
    now_ += 1ms;
    return admission_.admit(listener_, source, now_);
  }

 private:
  base::Clock::time_point now_{};
  admission::Admission admission_;
  admission::ListenerSlot& listener_ = admission_.add_listener(base::ListenerId{1}, {});
};

// The ticket ends at once.
Repeat admit_and_release(std::string_view source) {
  return repeated(
      [entrance = std::make_shared<Entrance>(), address = net::IpAddress::parse(source).value()] {
        const auto ticket = entrance->admit(address);
        CHATGATE_ASSERT(ticket.has_value());
      });
}

// In turn, as many sources as the table remembers, all of them known to it.
Repeat admit_many_sources() {
  auto repeat =
      repeated([entrance = std::make_shared<Entrance>(), number = std::uint16_t{0}]() mutable {
        ++number;
        const net::IpAddress source{
            net::IpAddress::Family::V4,
            {10, 0, static_cast<std::uint8_t>(number >> 8U), static_cast<std::uint8_t>(number)}};
        const auto ticket = entrance->admit(source);
        CHATGATE_ASSERT(ticket.has_value());
      });
  repeat(admission::SourceTable::kSourcesMax);
  return repeat;
}

Repeat refuse() {
  auto entrance = std::make_shared<Entrance>(1);
  const auto source = net::IpAddress::parse("192.0.2.1").value();
  auto first = std::make_shared<admission::Ticket>(std::move(*entrance->admit(source)));
  return repeated([entrance, first, source] {
    const auto ticket = entrance->admit(source);
    CHATGATE_ASSERT(!ticket.has_value());
  });
}

// Asks for addresses in no order, half of which are in the list.
Repeat look_up_among_blocks(net::IpAddress::Family family) {
  constexpr std::size_t kBlocks = 100'000;
  constexpr std::size_t kAsked = 1 << 16;
  std::mt19937 random{1935};
  const auto random_address = [&] {
    net::IpAddress address{.family = family};
    for (std::size_t i = 0; i < address.bits() / 8; ++i) {
      address.bytes[i] = static_cast<std::uint8_t>(random());
    }
    return address;
  };
  const unsigned prefix = family == net::IpAddress::Family::V4 ? 24 : 48;
  std::vector<net::Cidr> blocks;
  std::vector<net::IpAddress> asked;
  for (std::size_t i = 0; i < kBlocks; ++i) {
    auto address = random_address();
    blocks.push_back({address.masked(prefix), static_cast<std::uint8_t>(prefix)});
    if (asked.size() < kAsked) asked.push_back(i % 2 == 0 ? address : random_address());
  }
  return repeated([list = std::make_shared<admission::AccessList>(blocks), asked = std::move(asked),
                   next = std::size_t{0}]() mutable {
    next = (next + 1) % kAsked;
    benchmark::DoNotOptimize(list->contains(asked[next]));
  });
}

}  // namespace

std::vector<Operation> admission_operations() {
  using Family = net::IpAddress::Family;
  return {
      {"access_list/100000_v4", 1, [] { return look_up_among_blocks(Family::V4); }},
      {"access_list/100000_v6", 1, [] { return look_up_among_blocks(Family::V6); }},
      {"admission/exempt_source", 1, [] { return admit_and_release("127.0.0.1"); }},
      {"admission/one_source", 1, [] { return admit_and_release("192.0.2.1"); }},
      {"admission/65536_sources", 1, admit_many_sources},
      {"admission/refused_at_the_limit", 1, refuse},
  };
}

}  // namespace chatgate::bench
