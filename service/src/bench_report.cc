#include "chatgate/service/bench_report.h"

#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <chatgate/telemetry/printable_text.h>

namespace chatgate::service {
namespace {

using std::chrono::nanoseconds;
using Json = nlohmann::ordered_json;

constexpr std::pair<const char*, double> kQuantiles[] = {
    {"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}, {"p9999", 0.9999}};

double seconds(nanoseconds duration) { return std::chrono::duration<double>{duration}.count(); }
double microseconds(nanoseconds duration) {
  return std::chrono::duration<double, std::micro>{duration}.count();
}

double per_operation(const bench::Result& result, nanoseconds duration) {
  if (result.operations == 0) return 0;
  return microseconds(duration) / static_cast<double>(result.operations);
}

double per_second(const bench::Result& result) {
  if (result.elapsed.count() <= 0) return 0;
  return static_cast<double>(result.operations) / seconds(result.elapsed);
}

double bytes_per_connection(const bench::Options& options, const bench::ServerCost& cost) {
  const auto grown =
      static_cast<double>(cost.anonymous_during) - static_cast<double>(cost.anonymous_before);
  return grown / static_cast<double>(options.connections + options.idle_connections);
}

Json latency_json(const bench::LatencyHistogram& latency) {
  Json json;
  json["min"] = microseconds(latency.min());
  json["mean"] = microseconds(latency.mean());
  for (const auto& [name, share] : kQuantiles) {
    json[name] = microseconds(latency.quantile(share));
  }
  json["max"] = microseconds(latency.max());
  return json;
}

Json server_json(const bench::Options& options, const bench::Result& result) {
  if (!result.server) return nullptr;
  const auto& cost = *result.server;
  const auto optional_cost = [&result](const std::optional<nanoseconds>& part) {
    return part ? Json(per_operation(result, *part)) : Json(nullptr);
  };
  Json json;
  json["pid"] = cost.pid > 0 ? Json(cost.pid) : Json(nullptr);
  json["source"] = cost.source;
  json["cpu_us_per_operation"] = per_operation(result, cost.cpu);
  json["user_us_per_operation"] = optional_cost(cost.user);
  json["system_us_per_operation"] = optional_cost(cost.system);
  json["cpu_seconds"] = seconds(cost.cpu);
  json["hold_cpu_seconds"] = cost.hold_cpu ? Json(seconds(*cost.hold_cpu)) : Json(nullptr);
  json["anon_bytes_before"] = cost.anonymous_before;
  json["anon_bytes_during"] = cost.anonymous_during;
  json["anon_bytes_after"] = cost.anonymous_after;
  json["bytes_per_connection"] = bytes_per_connection(options, cost);
  return json;
}

Json faults_json(const bench::Result& result) {
  Json json = Json::array();
  for (std::size_t i = 0; i < bench::kFaults; ++i) {
    const auto& fault = result.faults[i];
    if (fault.count == 0) continue;
    json.push_back({{"what", bench::to_text(static_cast<bench::Fault>(i))},
                    {"count", fault.count},
                    {"first", telemetry::printable_text(fault.first)}});
  }
  return json;
}

std::string row(const char* name, const std::string& value) {
  return fmt::format("{:<15}{}\n", name, value);
}

std::string latency_rows(const bench::LatencyHistogram& latency) {
  std::string text = row("latency", "       us");
  const auto add = [&text](const char* name, nanoseconds value) {
    text += fmt::format("  {:<11}{:>11.1f}\n", name, microseconds(value));
  };
  add("min", latency.min());
  add("mean", latency.mean());
  add("p50", latency.quantile(0.5));
  add("p90", latency.quantile(0.9));
  add("p99", latency.quantile(0.99));
  add("p99.9", latency.quantile(0.999));
  add("p99.99", latency.quantile(0.9999));
  add("max", latency.max());
  return text;
}

std::string server_rows(const bench::Options& options, const bench::Result& result) {
  if (!result.server) return {};
  const auto& cost = *result.server;
  auto cpu = fmt::format("{:.3f} us an operation", per_operation(result, cost.cpu));
  if (cost.user) {
    cpu += fmt::format(" ({:.3f} user, {:.3f} system)", per_operation(result, *cost.user),
                       per_operation(result, *cost.system));
  }
  const auto kib = [](std::uint64_t bytes) { return bytes / 1024; };
  return row("server CPU", cpu) +
         row("server memory",
             fmt::format("{} KiB before, {} during, {} after: {:.0f} bytes a connection",
                         kib(cost.anonymous_before), kib(cost.anonymous_during),
                         kib(cost.anonymous_after), bytes_per_connection(options, cost))) +
         row("", "from " + cost.source);
}

std::string fault_rows(const bench::Result& result) {
  std::string text;
  for (std::size_t i = 0; i < bench::kFaults; ++i) {
    const auto& fault = result.faults[i];
    if (fault.count == 0) continue;
    text += row("  failed", fmt::format("{} {}; the first: {}", fault.count,
                                        bench::to_text(static_cast<bench::Fault>(i)),
                                        telemetry::printable_text(fault.first)));
  }
  if (result.refused > 0) {
    text += row("  refused", fmt::format("{} connections; the first: {}", result.refused,
                                         telemetry::printable_text(result.first_refusal)));
  }
  return text;
}

}  // namespace

std::string progress_line(const bench::Progress& progress) {
  const auto elapsed = seconds(progress.elapsed);
  const auto rate = elapsed > 0 ? static_cast<double>(progress.operations) / elapsed : 0;
  return fmt::format("{} {:.1f} s: {} greeted, {} operations, {:.0f}/s, p99 {:.1f} us, {} errors",
                     progress.part, elapsed, progress.greeted, progress.operations, rate,
                     microseconds(progress.p99), progress.errors);
}

std::string bench_table(const bench::Options& options, const bench::Result& result) {
  std::string text = row("server", telemetry::printable_text(options.address));
  text += row(
      "load",
      fmt::format(
          "{} mode, {} connections{}, window {}, {}, {}, {} thread(s)",
          bench::to_text(options.mode), options.connections,
          options.idle_connections > 0 ? fmt::format(" and {} idle", options.idle_connections) : "",
          options.window,
          options.rate > 0 ? fmt::format("{:.6g}/s", options.rate) : std::string{"closed loop"},
          bench::to_text(result.engine), options.threads));
  text += row("operations",
              fmt::format("{} in {:.3f} s: {:.0f}/s{}", result.operations, seconds(result.elapsed),
                          per_second(result), result.interrupted ? " (interrupted)" : ""));
  text += row("connections", fmt::format("{} greeted, {} refused", result.greeted, result.refused));
  text += row("errors", fmt::format("{}", result.errors));
  text += fault_rows(result);
  if (result.operations == 0) return text;
  text += latency_rows(result.latency);
  text += server_rows(options, result);
  text += row("client CPU",
              fmt::format("{:.3f} us an operation", per_operation(result, result.client_cpu)));
  return text;
}

std::string bench_json(const bench::Options& options, const bench::Result& result) {
  Json json;
  json["mode"] = bench::to_text(options.mode);
  json["address"] = options.address;
  json["engine"] = bench::to_text(result.engine);
  json["connections"] = options.connections;
  json["idle_connections"] = options.idle_connections;
  json["window"] = options.window;
  json["size"] = options.message.size();
  json["rate"] = options.rate;
  json["threads"] = options.threads;
  json["interrupted"] = result.interrupted;
  json["seconds"] = seconds(result.elapsed);
  json["operations"] = result.operations;
  json["per_second"] = per_second(result);
  json["errors"] = result.errors;
  json["faults"] = faults_json(result);
  json["refused"] = result.refused;
  json["first_refusal"] =
      result.refused > 0 ? Json(telemetry::printable_text(result.first_refusal)) : Json(nullptr);
  json["greeted"] = result.greeted;
  json["latency_us"] = latency_json(result.latency);
  json["server"] = server_json(options, result);
  json["client"]["cpu_us_per_operation"] = per_operation(result, result.client_cpu);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace chatgate::service
