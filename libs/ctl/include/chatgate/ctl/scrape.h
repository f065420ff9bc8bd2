#pragma once

#include <map>
#include <string>
#include <string_view>

namespace chatgate::ctl {

/// The sums of one answer of /metrics: each metric over all its labels, buckets by their bound.
class Scrape {
 public:
  Scrape() = default;
  explicit Scrape(std::string_view text);

  /// Of all series with that name; 0 when there is none.
  double sum(std::string_view name) const;

  /// How many observations are at most the bound, by bound in seconds or whatever it measures.
  using Buckets = std::map<double, double>;
  Buckets buckets(std::string_view histogram) const;

 private:
  void read_sample(std::string_view line);

  std::map<std::string, double, std::less<>> sums_;
  std::map<std::string, Buckets, std::less<>> buckets_;
};

/// The bound below which `share` of what came between two scrapes lies; negative when nothing came.
double quantile(const Scrape::Buckets& before, const Scrape::Buckets& now, double share);

}  // namespace chatgate::ctl
