#include "tally.h"

#include <utility>

namespace chatgate::bench {

void Tally::refuse(std::string_view line) {
  if (first_refusal_.empty()) first_refusal_ = line;
  add(refused_, 1);
}

void Tally::fail(Fault fault, std::uint64_t times, std::string text) {
  auto& entry = faults_[static_cast<std::size_t>(fault)];
  if (entry.count == 0) entry.first = std::move(text);
  entry.count += times;
  add(errors_, times);
}

void Tally::start_measuring() {
  latency_.clear();
  completed_.store(0, std::memory_order_relaxed);
}

void Tally::add_to(Result& result) const {
  result.operations += completed();
  result.greeted += greeted();
  result.refused += refused();
  result.errors += errors();
  result.latency.add(latency_);
  if (result.first_refusal.empty()) result.first_refusal = first_refusal_;
  for (std::size_t i = 0; i < kFaults; ++i) {
    if (result.faults[i].count == 0) result.faults[i].first = faults_[i].first;
    result.faults[i].count += faults_[i].count;
  }
}

const char* to_text(Fault fault) {
  switch (fault) {
    case Fault::NotConnected:
      return "not connected";
    case Fault::Lost:
      return "connection lost";
    case Fault::Surplus:
      return "line that nothing asked for";
    case Fault::TimedOut:
      return "timed out";
  }
  return "?";
}

}  // namespace chatgate::bench
