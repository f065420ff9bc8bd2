#pragma once

#include <string>

#include <chatgate/telemetry/metric_writer.h>

namespace chatgate::telemetry {

/// What was built, and by which compiler.
struct BuildInfo {
  std::string version;
  std::string revision;  // Of the source; empty when unknown, and then no label.
  std::string compiler = __VERSION__;
};

/// The operating system's view of this process, under the names that every Prometheus client
/// library uses (process_cpu_seconds_total, …), and chatgate_build_info.
///
/// https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics, proc(5)
///
/// Threads: any. Cost: a few reads in /proc and one directory entry a descriptor, each scrape.
/// Errors: what /proc does not tell is left out.
class ProcessMetrics final : public MetricSource {
 public:
  explicit ProcessMetrics(BuildInfo build);

  void write_metrics(MetricWriter& writer) const override;

 private:
  const BuildInfo build_;
  const double boot_seconds_;  // Since 1970, read once: it wanders with clock adjustments.
};

}  // namespace chatgate::telemetry
