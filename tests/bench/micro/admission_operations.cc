#include "operation.h"

#include <array>
#include <chrono>
#include <memory>
#include <string_view>
#include <utility>

#include <benchmark/benchmark.h>

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

}  // namespace

std::vector<Operation> admission_operations() {
  return {
      {"admission/exempt_source", 1, [] { return admit_and_release("127.0.0.1"); }},
      {"admission/one_source", 1, [] { return admit_and_release("192.0.2.1"); }},
      {"admission/65536_sources", 1, admit_many_sources},
      {"admission/refused_at_the_limit", 1, refuse},
  };
}

}  // namespace chatgate::bench
