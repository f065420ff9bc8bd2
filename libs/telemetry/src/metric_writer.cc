#include <cmath>
#include <map>
#include <utility>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <chatgate/base/assert.h>
#include <chatgate/telemetry/metric_writer.h>

namespace chatgate::telemetry {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

// 250'000 ns times 1e-9 is not the number that 0.00025 is, and `le` is matched as text: dividing by
// the whole number 1e9 rounds to what a person would have written.
double scaled(std::uint64_t value, double scale) {
  const auto number = static_cast<double>(value);
  return scale < 1 ? number / std::round(1 / scale) : number * scale;
}

ClientMetric::Histogram histogram_of(const HistogramCounts& counts, double scale) {
  ClientMetric::Histogram histogram;
  for (std::size_t i = 0; i < counts.buckets.size(); ++i) {
    histogram.sample_count += counts.buckets[i];
    // The serializer writes the +Inf bucket itself, from the count.
    if (i == counts.bounds.size()) break;
    histogram.bucket.push_back({histogram.sample_count, scaled(counts.bounds[i], scale)});
  }
  histogram.sample_sum = scaled(counts.sum, scale);
  return histogram;
}

}  // namespace

struct MetricWriter::Families {
  ClientMetric& add(std::string_view name, std::string_view help, const Labels& labels,
                    MetricType type) {
    auto found = by_name.find(name);
    if (found == by_name.end()) {
      const std::string key{name};
      found = by_name.emplace(key, MetricFamily{key, std::string{help}, type, {}}).first;
    }
    auto& family = found->second;
    CHATGATE_ASSERT(family.type == type);
    auto& sample = family.metric.emplace_back();
    sample.label.reserve(labels.size());
    for (const auto& label : labels) {
      if (!label.value.empty()) sample.label.push_back({std::string{label.name}, label.value});
    }
    return sample;
  }

  std::map<std::string, MetricFamily, std::less<>> by_name;
};

MetricWriter::MetricWriter() : families_{std::make_unique<Families>()} {}
MetricWriter::~MetricWriter() = default;

void MetricWriter::counter(std::string_view name, std::string_view help, const Labels& labels,
                           double value) {
  families_->add(name, help, labels, MetricType::Counter).counter.value = value;
}

void MetricWriter::gauge(std::string_view name, std::string_view help, const Labels& labels,
                         double value) {
  families_->add(name, help, labels, MetricType::Gauge).gauge.value = value;
}

void MetricWriter::histogram(std::string_view name, std::string_view help, const Labels& labels,
                             const HistogramCounts& counts, double scale) {
  if (counts.buckets.empty()) return;
  families_->add(name, help, labels, MetricType::Histogram).histogram = histogram_of(counts, scale);
}

std::string MetricWriter::serialize() const {
  std::vector<MetricFamily> families;
  families.reserve(families_->by_name.size());
  for (const auto& [name, family] : families_->by_name) families.push_back(family);
  return prometheus::TextSerializer{}.Serialize(families);
}

}  // namespace chatgate::telemetry
