#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include <chatgate/ctl/scrape.h>

namespace chatgate::ctl {
namespace {

std::optional<double> parse_value(std::string_view text) {
  if (text == "+Inf") return std::numeric_limits<double>::infinity();
  double value = 0;
  const auto* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

std::optional<double> bound_of(std::string_view labels) {
  constexpr std::string_view kLabel = "le=\"";
  const auto begin = labels.find(kLabel);
  if (begin == labels.npos) return std::nullopt;
  labels.remove_prefix(begin + kLabel.size());
  return parse_value(labels.substr(0, labels.find('"')));
}

double at(const Scrape::Buckets& buckets, double bound) {
  const auto found = buckets.find(bound);
  return found == buckets.end() ? 0 : found->second;
}

}  // namespace

Scrape::Scrape(std::string_view text) {
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (!line.empty() && line.front() != '#') read_sample(line);
  }
}

void Scrape::read_sample(std::string_view line) {
  const auto end_of_name = std::min(line.find_first_of("{ "), line.size());
  const auto value = parse_value(line.substr(line.rfind(' ') + 1));
  if (!value) return;
  const auto name = line.substr(0, end_of_name);
  const auto labels = line.substr(end_of_name);
  if (const auto bound = bound_of(labels)) {
    buckets_[std::string{name}][*bound] += *value;
  } else {
    sums_[std::string{name}] += *value;
  }
}

double Scrape::sum(std::string_view name) const {
  const auto found = sums_.find(name);
  return found == sums_.end() ? 0 : found->second;
}

Scrape::Buckets Scrape::buckets(std::string_view histogram) const {
  const auto found = buckets_.find(std::string{histogram} + "_bucket");
  return found == buckets_.end() ? Buckets{} : found->second;
}

double quantile(const Scrape::Buckets& before, const Scrape::Buckets& now, double share) {
  if (now.empty()) return -1;
  const auto all = now.rbegin()->second - at(before, now.rbegin()->first);
  if (all <= 0) return -1;
  double last = 0;
  for (const auto& [bound, count] : now) {
    if (std::isinf(bound)) break;
    last = bound;
    if (count - at(before, bound) >= share * all) break;
  }
  return last;
}

}  // namespace chatgate::ctl
