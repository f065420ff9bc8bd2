#include "schema_types.h"

#include <functional>

#include <chatgate/service/schema.h>

namespace chatgate::service {
namespace {

using config::Apply;
using config::boolean;
using config::choice;
using config::duration;
using config::rate;
using config::size;
using config::Table;
using config::text;
using config::Whole;
using config::within;
using protocol::Placeholder;
using namespace std::chrono_literals;
using namespace base;

constexpr std::size_t kTemplateBytesMax = 16 << 10;
constexpr std::size_t kNoticeBytesMax = 4096;
constexpr std::size_t kCidrsMax = 4096;
constexpr std::size_t kAccessCidrsMax = 100'000;

config::Type<admission::Mode> mode() {
  using admission::Mode;
  return choice<Mode>({{"enforce", Mode::Enforce}, {"observe", Mode::Observe}, {"off", Mode::Off}});
}

Table<ThreadOptions> threads() {
  return Table<ThreadOptions>{}
      .key("acceptors", &ThreadOptions::acceptors, Whole{1, 64},
           "Threads that accept, each with its own socket for every TCP listener.", Apply::Restart)
      .key("workers", &ThreadOptions::workers, Whole{1, 256, "auto"},
           "Threads that own sessions; auto = the CPUs that affinity and cgroup quota leave us.",
           Apply::Restart);
}

Table<admission::ListenerLimits> access() {
  using Limits = admission::ListenerLimits;
  return Table<Limits>{}
      .list("allow", &Limits::allow, cidr_type(), {0, kAccessCidrsMax},
            "Who may connect; empty = everyone.")
      .list("deny", &Limits::deny, cidr_type(), {0, kAccessCidrsMax},
            "Who may not connect, allowed or not.");
}

Table<net::TlsServerOptions> listener_tls() {
  using net::ClientCertificate;
  using net::TlsVersion;
  using Tls = net::TlsServerOptions;
  return Table<Tls>{}
      .key("certificate", &Tls::certificate, path_type(),
           "A PEM file: the certificate, then what signed it; empty = no TLS.")
      .key("key", &Tls::key, path_type(), "A PEM file: its key, without a passphrase.")
      .list("sni", &Tls::sni, path_type(), {0, 1024},
            "PEM files, each with a certificate, its signers and key: for clients who ask for its "
            "name.")
      .key("client_ca", &Tls::client_ca, path_type(),
           "A PEM file: who signs the certificates that clients are asked for; empty = none are.")
      .key("client_certificate", &Tls::client_certificate,
           choice<ClientCertificate>({{"required", ClientCertificate::Required},
                                      {"optional", ClientCertificate::Optional}}),
           "With `client_ca`: whether a client without one is served. A wrong one never is.")
      .key("min_version", &Tls::min_version,
           choice<TlsVersion>({{"1.2", TlsVersion::Tls12}, {"1.3", TlsVersion::Tls13}}),
           "The oldest version of TLS that is spoken.");
}

Table<ListenerConfig> listener() {
  using session::Telnet;
  using Limits = admission::ListenerLimits;
  return Table<ListenerConfig>{}
      .key("name", &ListenerConfig::name, config::name(),
           "The `listener` label of every metric and log line; unique.")
      .key("address", &ListenerConfig::address, endpoint_type(),
           "HOST:PORT, \"[V6]:PORT\", unix:/path, or fd:NAME for a socket inherited from systemd.")
      .key("service", &ListenerConfig::service, config::name(),
           "The entry of `services` that its connections get.")
      .key("backlog", &ListenerConfig::backlog, Whole{1, 65'535},
           "Connections that the kernel keeps waiting to be accepted (listen(2)).")
      .key("telnet", &ListenerConfig::telnet,
           choice<Telnet>({{"passive", Telnet::Passive}, {"off", Telnet::Off}}),
           "passive = answer telnet negotiation, never begin it; off = its bytes are data.")
      .key("proxy_protocol", within(&ListenerConfig::limits, &Limits::needs_proxy_header),
           choice<bool>({{"off", false}, {"required", true}}),
           "required = a PROXY header, version 1 or 2, comes first and names the client.")
      .list("proxy_trusted", within(&ListenerConfig::limits, &Limits::proxy_trusted), cidr_type(),
            {0, kCidrsMax}, "Whose PROXY headers are believed; nobody else may connect then.")
      .section("tls", &ListenerConfig::tls, listener_tls(),
               "Its clients speak TLS. A reload reads the files again.")
      .section("access", &ListenerConfig::limits, access(), "Who may connect.")
      .key("max_connections", within(&ListenerConfig::limits, &Limits::max_connections),
           Whole{0, 1'000'000}, "Open connections of this listener; 0 = the global limit alone.");
}

Table<session::ServiceOptions> service() {
  using session::Framing;
  using session::OnOverlong;
  using session::ServiceOptions;
  using session::Utf8;
  return Table<ServiceOptions>{}
      .key("greeting", &ServiceOptions::greeting,
           template_type(kTemplateBytesMax, {Placeholder::Message, Placeholder::Count}),
           "Sent when a connection is admitted.")
      .key("framing", &ServiceOptions::framing,
           choice<Framing>({{"line", Framing::Line}, {"read", Framing::Read}}),
           "line = a message ends at LF; read = whatever one read returns is a message.")
      .key("max_message", &ServiceOptions::max_message, size(16_B, 1_MiB),
           "The longest message, without its end of line.")
      .key("on_overlong", &ServiceOptions::on_overlong,
           choice<OnOverlong>({{"resync", OnOverlong::Resync}, {"close", OnOverlong::Close}}),
           "After a longer line: resync = skip it and go on; close = end the session.")
      .key("utf8", &ServiceOptions::utf8,
           choice<Utf8>(
               {{"replace", Utf8::Replace}, {"reject", Utf8::Reject}, {"pass", Utf8::Pass}}),
           "What is no UTF-8: replace = by U+FFFD; reject = end the session; pass = as it is.")
      .key("messages_per_session", &ServiceOptions::messages_per_session, Whole{0, 1'000'000'000},
           "End the session after so many replies; 0 = unlimited; 1 = greet, read, reply, close.")
      .list("quit_words", &ServiceOptions::quit_words, quit_word_type(), {0, 64},
            "Messages that end the session, with the farewell.")
      .key("farewell", &ServiceOptions::farewell,
           template_type(kTemplateBytesMax, {Placeholder::Message}), "Sent after a quit word.")
      .key("reply", &ServiceOptions::reply, template_type(kTemplateBytesMax, {}),
           "Sent for each message.");
}

Table<admission::PenaltyOptions> penalties() {
  using admission::PenaltyOptions;
  const auto amount = duration(0s, 1h);
  return Table<PenaltyOptions>{}
      .key("mode", &PenaltyOptions::mode, mode(),
           "enforce = refuse; observe = only count what would be refused; off = neither.")
      .key("wrong_protocol", &PenaltyOptions::wrong_protocol, amount,
           "For a client that speaks TLS, HTTP, SSH or the PROXY protocol to a plain port.")
      .key("idle_before_first_message", &PenaltyOptions::idle_before_first_message, amount,
           "For a client that a time-out ended before its first message.")
      .key("protocol_error", &PenaltyOptions::protocol_error, amount,
           "For a client that abuses telnet negotiation.")
      .key("min", &PenaltyOptions::min, duration(0s, 1h),
           "From so much on a source is refused, until nothing is left of its penalties.")
      .key("max", &PenaltyOptions::max, duration(1s, 24h), "They never add up to more.")
      .key("bootwait", &PenaltyOptions::bootwait, duration(0s, 24h),
           "For so long after the start they add up but refuse nobody.");
}

Table<admission::PerSourceOptions> per_source() {
  using admission::PerSourceOptions;
  return Table<PerSourceOptions>{}
      .key("mode", &PerSourceOptions::mode, mode(),
           "enforce = refuse; observe = only count what would be refused; off = neither.")
      .key("max", &PerSourceOptions::max, Whole{1, 1'000'000}, "Open connections of one source.")
      .key("rate", &PerSourceOptions::rate, rate(Rate{0.001}, Rate{100'000}),
           "New connections of one source, on average.")
      .key("burst", &PerSourceOptions::burst, Whole{1, 1'000'000},
           "New connections of one source at once, before `rate` counts.")
      .key("v4_prefix", &PerSourceOptions::v4_prefix, Whole{1, 32},
           "Leading bits of an IPv4 address that make a source.")
      .key("v6_prefix", &PerSourceOptions::v6_prefix, Whole{1, 128},
           "Leading bits of an IPv6 address that make a source.")
      .list("exempt", &PerSourceOptions::exempt, cidr_type(), {0, kCidrsMax},
            "Sources without these bounds.")
      .section("penalties", &PerSourceOptions::penalties, penalties(),
               "What its source pays, in time, for what a client did; decays in real time.");
}

Table<LimitsConfig> limits() {
  using admission::LimitOptions;
  constexpr auto kAdmission = &LimitsConfig::admission;
  return Table<LimitsConfig>{}
      .key("max_connections", within(kAdmission, &LimitOptions::max_connections),
           Whole{1, 1'000'000}, "Open connections; lowered when descriptors do not suffice.")
      .key("reserve_fds", &LimitsConfig::reserve_fds, Whole{16, 65'536},
           "Descriptors kept for files, admin and backends when the limit is computed.")
      .key("over_limit", &LimitsConfig::over_limit,
           choice<OverLimit>({{"reply", OverLimit::Reply},
                              {"backlog", OverLimit::Backlog},
                              {"reset", OverLimit::Reset}}),
           "reply = a line that says so, then close; backlog = stop accepting; reset = RST.")
      .key("mode", within(kAdmission, &LimitOptions::mode), mode(),
           "enforce = refuse; observe = only count what would be refused; off = neither.")
      .key("tls_handshakes", &LimitsConfig::tls_handshakes, Whole{1, 1'000'000},
           "TLS handshakes at a time, shared evenly by the workers; one more ends the oldest.")
      .key("exit_after", &LimitsConfig::exit_after, Whole{0, 1'000'000'000},
           "Sessions to serve, then drain and exit; 0 = never.")
      .section("per_source", within(kAdmission, &LimitOptions::per_source), per_source(),
               "Bounds on the connections of one address, or of one block of addresses.");
}

Table<OverloadConfig> overload() {
  using session::OverloadTimeouts;
  constexpr auto kTimeouts = &OverloadConfig::timeouts;
  const auto limit = duration(0s, 720h);
  return Table<OverloadConfig>{}
      .key("mode", &OverloadConfig::mode, mode(),
           "enforce = refuse, and hurry; observe = only say so and count; off = neither.")
      .key("memory", &OverloadConfig::memory, size(0_B, Bytes{std::size_t{1} << 40}),
           "Memory that may be used, at most nine tenths of what there is; 0B = as much.")
      .key("first_message", within(kTimeouts, &OverloadTimeouts::first_message), limit,
           "In place of `timeouts.first_message`, at once; here and below 0s = as in `timeouts`.")
      .key("idle", within(kTimeouts, &OverloadTimeouts::idle), limit,
           "In place of `timeouts.idle`, once an overload has lasted for `first_message`.")
      .key("line", within(kTimeouts, &OverloadTimeouts::line), limit,
           "In place of `timeouts.line`, then.")
      .key("write", within(kTimeouts, &OverloadTimeouts::write), limit,
           "In place of `timeouts.write`, then.");
}

Table<GatewayConfig> timeouts() {
  using session::TimeoutOptions;
  constexpr auto kTimeouts = &GatewayConfig::timeouts;
  const auto limit = duration(0s, 720h);
  return Table<GatewayConfig>{}
      .key("first_message", within(kTimeouts, &TimeoutOptions::first_message), limit,
           "From the greeting to the end of the first message; 0s = off.")
      .key("idle", within(kTimeouts, &TimeoutOptions::idle), limit,
           "No byte from the client; 0s = off.")
      .key("line", within(kTimeouts, &TimeoutOptions::line), limit,
           "From the first byte of a line to its end; 0s = off.")
      .key("write", within(kTimeouts, &TimeoutOptions::write), limit,
           "The client takes no byte of what waits for it; 0s = off.")
      .key("proxy_header", &GatewayConfig::proxy_header_timeout, duration(100ms, 10min),
           "From accept to the end of a PROXY header, where one is required.")
      .key("tls_handshake", within(kTimeouts, &TimeoutOptions::tls_handshake),
           duration(100ms, 10min), "From accept to the end of the TLS handshake.")
      .key("max_lifetime", within(kTimeouts, &TimeoutOptions::max_lifetime), limit,
           "Of a session, shortened at random by up to 10 %; 0s = off.");
}

Table<session::OutputOptions> output() {
  using session::OutputOptions;
  return Table<OutputOptions>{}
      .key("soft", &OutputOptions::soft, size(1_KiB, 1024_MiB),
           "More waiting for a client: stop reading from it until half is gone.")
      .key("soft_time", &OutputOptions::soft_time, duration(100ms, 24h),
           "So long above `soft`: end the session (slow_soft).")
      .key("hard", &OutputOptions::hard, size(1_KiB, 1024_MiB),
           "More waiting for a client: end the session at once (slow_hard).")
      .key("budget", &OutputOptions::budget, size(64_KiB, Bytes{std::size_t{1} << 40}),
           "More waiting for all clients together, or half of the memory: the largest is ended "
           "first.");
}

Table<DrainOptions> drain() {
  const auto part = duration(0s, 1h);
  return Table<DrainOptions>{}
      .key("announce", &DrainOptions::announce, part,
           "/readyz says 503 while connections are still accepted; 5s on Kubernetes.")
      .key("grace", &DrainOptions::grace, part, "From the notice to the first close.")
      .key("spread", &DrainOptions::spread, part, "The closes are spread over so long.")
      .key("deadline", &DrainOptions::deadline, duration(100ms, 24h),
           "From the signal to the exit, all of it.")
      .key("linger", &DrainOptions::linger, part,
           "Before the deadline: the last clients may still take what is sent to them.")
      .key("notice", &DrainOptions::notice, text(kNoticeBytesMax),
           "Sent to every client when the listeners close; empty = nothing.");
}

Table<admin::AdminTls> admin_tls() {
  using admin::AdminTls;
  return Table<AdminTls>{}
      .key("certificate", &AdminTls::certificate, path_type(),
           "A PEM file: the endpoint's certificate, then what signed it; empty = plain HTTP.",
           Apply::Restart)
      .key("key", &AdminTls::key, path_type(), "A PEM file: its key, without a passphrase.",
           Apply::Restart);
}

Table<admin::AdminOptions> admin_endpoint() {
  using admin::AdminOptions;
  return Table<AdminOptions>{}
      .key(
          "address", &AdminOptions::address, admin_address_type(),
          "Where metrics, lists and controls are served: HOST:PORT or unix:/path; empty = nowhere.",
          Apply::Restart)
      .key("token_file", &AdminOptions::token_file, path_type(),
           "A file with the token that controls require when `address` is not loopback.")
      .key("token_for", &AdminOptions::token_for,
           choice<admin::TokenFor>({{"controls", admin::TokenFor::Controls},
                                    {"everything", admin::TokenFor::Everything}}),
           "What the token is needed for; everything = also metrics and lists, not the probes.")
      .section("tls", &AdminOptions::tls, admin_tls(),
               "The endpoint speaks TLS. A reload reads both files again.");
}

Table<TopConnectionsOptions> top_connections() {
  return Table<TopConnectionsOptions>{}
      .key("count", &TopConnectionsOptions::count, Whole{0, 100},
           "Connections that get a metric series of their own; 0 = none.")
      .key("by", &TopConnectionsOptions::by, top_connections_by_type(),
           "What makes a connection a top one.");
}

Table<GatewayConfig> metrics() {
  return Table<GatewayConfig>{}.section("top_connections", &GatewayConfig::top_connections,
                                        top_connections(), "The busiest connections by name.");
}

Table<GatewayConfig> log() {
  using telemetry::LogFormat;
  using telemetry::LogLevel;
  using telemetry::LogOptions;
  constexpr auto kLog = &GatewayConfig::log;
  return Table<GatewayConfig>{}
      .key("level", within(kLog, &LogOptions::level),
           choice<LogLevel>({{"trace", LogLevel::Trace},
                             {"debug", LogLevel::Debug},
                             {"info", LogLevel::Info},
                             {"warn", LogLevel::Warn},
                             {"error", LogLevel::Error}}),
           "The least important lines that are written.")
      .key("format", within(kLog, &LogOptions::format),
           choice<LogFormat>({{"text", LogFormat::Text}, {"json", LogFormat::Json}}),
           "text = event=… key=value; json = one object a line.")
      .key("output", within(kLog, &LogOptions::output), log_output_type(),
           "stderr, stdout, journald, or file:/path, which SIGHUP opens anew.")
      .key("sessions", &GatewayConfig::log_sessions, boolean(), "One line for each ended session.");
}

Table<GatewayConfig> gateway() {
  return Table<GatewayConfig>{}
      .section("threads", &GatewayConfig::threads, threads(), "Threads.")
      .entries("listeners", &GatewayConfig::listeners, &ListenerConfig::name, listener(), {1, 64},
               "Where connections are accepted.")
      .map("services", &GatewayConfig::services, service(), {1, 64}, "What a connection gets.")
      .section("limits", &GatewayConfig::limits, limits(), "Who may come in.")
      .section("overload", &GatewayConfig::overload, overload(),
               "When places or memory run out: shorter time-outs, and newcomers refused early.")
      .section("timeouts", std::identity{}, timeouts(), "How long a connection may wait for what.")
      .key("idle_warning", &GatewayConfig::idle_warning, text(kNoticeBytesMax),
           "Sent 30 s before `timeouts.idle` ends a session; empty = nothing.")
      .section("output", &GatewayConfig::output, output(), "What may wait for slow readers.")
      .section("drain", &GatewayConfig::drain, drain(), "The graceful shutdown.")
      .section("admin", &GatewayConfig::admin, admin_endpoint(), "The HTTP endpoint.")
      .section("metrics", std::identity{}, metrics(), "Metrics beyond the fixed ones.")
      .section("log", std::identity{}, log(), "The log.")
      .key("watch", &GatewayConfig::watch, boolean(),
           "Reload when the file changes, ConfigMap symlinks included.");
}

}  // namespace

const config::Table<GatewayConfig>& schema() {
  static const Table<GatewayConfig> table = gateway();
  return table;
}

}  // namespace chatgate::service
