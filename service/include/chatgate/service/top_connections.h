#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <chatgate/base/mutex.h>
#include <chatgate/base/strong_id.h>
#include <chatgate/service/gateway_config.h>
#include <chatgate/session/session_record.h>
#include <chatgate/telemetry/metric_writer.h>

namespace chatgate::service {

/// The busiest connections as metric series of their own (`metrics.top_connections`), chosen anew
/// at each scrape, and at most `count` of them.
///
/// Who is chosen stays for three scrapes at least, whoever is busier meanwhile, and keeps the last
/// value that was seen if it ends: a graph shows lines and not dots, and connections that come and
/// go add at most a third of `count` series a scrape.
///
/// Threads: any.
class TopConnections {
 public:
  static constexpr std::uint32_t kScrapesMin = 3;

  /// Writes the series of one scrape, of those that are `open`. A change of `options.by` starts
  /// anew; a lower `options.count` holds at once.
  void write_metrics(telemetry::MetricWriter& writer, const std::vector<session::OpenSession>& open,
                     const TopConnectionsOptions& options);

 private:
  struct Member {
    base::SessionId id;
    std::string listener;
    std::string peer;
    std::uint64_t value = 0;
    std::uint32_t scrapes = 0;  // With its series, up to kScrapesMin.
  };

  void choose(const std::vector<session::OpenSession>& open, const TopConnectionsOptions& options)
      CHATGATE_REQUIRES(mutex_);

  base::Mutex mutex_;
  TopConnectionsOptions::By by_ CHATGATE_GUARDED_BY(mutex_) = {};
  std::vector<Member> members_ CHATGATE_GUARDED_BY(mutex_);
};

}  // namespace chatgate::service
