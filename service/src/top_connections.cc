#include "schema_types.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include <chatgate/net/address.h>
#include <chatgate/service/top_connections.h>

namespace chatgate::service {
namespace {

using By = TopConnectionsOptions::By;

std::uint64_t rank(const session::SessionRecord& record, By by) noexcept {
  switch (by) {
    case By::ReceivedBytes:
      return record.received_bytes;
    case By::SentBytes:
      return record.sent_bytes;
    case By::Messages:
      return record.messages;
  }
  return 0;
}

}  // namespace

void TopConnections::write_metrics(telemetry::MetricWriter& writer,
                                   const std::vector<session::OpenSession>& open,
                                   const TopConnectionsOptions& options) {
  const base::MutexLock lock{mutex_};
  choose(open, options);
  const auto by = top_connections_by_type().to_text(by_);
  for (const auto& member : members_) {
    writer.gauge("chatgate_top_connection",
                 "The busiest connections, by what metrics.top_connections.by says.",
                 {{"id", std::to_string(member.id.value)},
                  {"listener", member.listener},
                  {"peer", member.peer},
                  {"by", by}},
                 static_cast<double>(member.value));
  }
}

void TopConnections::choose(const std::vector<session::OpenSession>& open,
                            const TopConnectionsOptions& options) {
  const auto by = options.by;
  if (std::exchange(by_, by) != by) members_.clear();

  std::unordered_map<base::SessionId, Member> before;
  for (auto& member : members_) before.emplace(member.id, std::move(member));
  members_.clear();

  // Whoever did nothing is not busy, even if nobody is busier.
  std::vector<const session::OpenSession*> candidates;
  for (const auto& session : open) {
    const auto known = before.find(session.record.id);
    if (known != before.end()) known->second.value = rank(session.record, by);
    const bool is_held = known != before.end() && known->second.scrapes < kScrapesMin;
    if (!is_held && rank(session.record, by) > 0) candidates.push_back(&session);
  }

  for (auto& [id, member] : before) {
    if (member.scrapes >= kScrapesMin || members_.size() == options.count) continue;
    ++member.scrapes;
    members_.push_back(member);
  }
  const auto places = std::min(options.count - members_.size(), candidates.size());
  const auto is_busier = [by](const auto* a, const auto* b) {
    const auto rank_a = rank(a->record, by);
    const auto rank_b = rank(b->record, by);
    return rank_a != rank_b ? rank_a > rank_b : a->record.id < b->record.id;
  };
  const auto places_end = candidates.begin() + static_cast<std::ptrdiff_t>(places);
  std::partial_sort(candidates.begin(), places_end, candidates.end(), is_busier);
  for (auto chosen = candidates.begin(); chosen != places_end; ++chosen) {
    const auto& record = (*chosen)->record;
    const auto known = before.find(record.id);
    members_.push_back({.id = record.id,
                        .listener = std::string{(*chosen)->listener_name},
                        .peer = net::to_text(record.peer),
                        .value = rank(record, by),
                        .scrapes = known != before.end() ? known->second.scrapes : 1});
  }
}

}  // namespace chatgate::service
