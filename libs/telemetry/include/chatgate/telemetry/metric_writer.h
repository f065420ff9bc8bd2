#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <chatgate/telemetry/histogram.h>

namespace chatgate::telemetry {

/// One label of a sample. Values come from closed sets: never from what a client sent. An empty
/// value is no label, as Prometheus has it.
struct Label {
  std::string_view name;
  std::string value;
};
using Labels = std::vector<Label>;

/// Collects the samples of one scrape and says them in the Prometheus text format.
///
/// Names are whole (`chatgate_connections_open`), so that a search for a metric finds its source.
/// Samples of one family may come from several sources in any order: they come out together,
/// families by name. A source writes each combination of labels of a family once.
///
/// Threads: confined to the scraping thread.
/// Errors: a family written with two types is our bug, and asserted.
class MetricWriter {
 public:
  MetricWriter();
  ~MetricWriter();
  MetricWriter(const MetricWriter&) = delete;
  MetricWriter& operator=(const MetricWriter&) = delete;

  /// `name` ends in `_total`, as the format's conventions ask.
  void counter(std::string_view name, std::string_view help, const Labels& labels, double value);
  void gauge(std::string_view name, std::string_view help, const Labels& labels, double value);

  /// `scale` turns the observed unit into the exported one: 1e-9 for nanoseconds as seconds.
  /// `counts` that nothing was added to yet are no sample.
  void histogram(std::string_view name, std::string_view help, const Labels& labels,
                 const HistogramCounts& counts, double scale = 1);

  /// The text exposition format, version 0.0.4, of all that was written.
  /// https://prometheus.io/docs/instrumenting/exposition_formats/
  std::string serialize() const;

 private:
  struct Families;
  std::unique_ptr<Families> families_;
};

/// A part that has something to say at each scrape.
class MetricSource {
 public:
  virtual ~MetricSource() = default;

  /// Writes the present value of each of its metrics, the ones that are 0 too.
  /// Threads: called on the scraping thread while all others run.
  virtual void write_metrics(MetricWriter& writer) const = 0;

 protected:
  MetricSource() = default;
  MetricSource(const MetricSource&) = default;
  MetricSource& operator=(const MetricSource&) = default;
};

}  // namespace chatgate::telemetry
