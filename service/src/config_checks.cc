#include "config_checks.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include <chatgate/config/wording.h>
#include <chatgate/net/tls_context.h>
#include <chatgate/protocol/text_template.h>

namespace chatgate::service {
namespace {

using config::Origin;
using namespace std::chrono_literals;
using Paths = std::vector<std::string>;

class Checker {
 public:
  Checker(const GatewayConfig& config, const std::string& name, config::Reading& reading)
      : config_{config}, name_{name}, reading_{reading} {}

  void check_listeners();
  void check_proxies();
  void check_penalties();
  void check_overload();
  void check_addresses();
  void check_services();
  void check_output();
  void check_drain();
  void check_idle_warning();
  void check_admin();
  void check_admin_tls();
  void check_listeners_tls();

 private:
  void check_tls(const std::string& path, const net::TlsServerOptions& tls);
  // Blames the first of `paths` that somebody wrote; the others are the defaults it disagrees with.
  void complain(const Paths& paths, const std::string& message);
  void check_size(const std::string& path, const std::string& text,
                  const session::ServiceOptions& service, const std::string& service_path);

  const GatewayConfig& config_;
  const std::string& name_;
  config::Reading& reading_;
};

void Checker::complain(const Paths& paths, const std::string& message) {
  for (const auto& path : paths) {
    if (reading_.broken.contains(path)) return;
  }
  auto blamed = std::find_if(paths.begin(), paths.end(),
                             [&](const auto& path) { return reading_.origins.contains(path); });
  if (blamed == paths.end()) blamed = paths.begin();
  const auto origin = reading_.nearest_origin(*blamed);
  if (origin.kind == Origin::Kind::Environment) {
    reading_.diagnostics.push_back({"environment", 0, 0, origin.source, message});
  } else {
    const auto [line, column] = origin.position;
    reading_.diagnostics.push_back({name_, line, column, *blamed, message});
  }
}

void Checker::check_listeners() {
  std::vector<std::string> names;
  for (const auto& [name, service] : config_.services) names.push_back(name);
  for (const auto& listener : config_.listeners) {
    if (config_.services.contains(listener.service)) continue;
    complain({"listeners." + listener.name + ".service"},
             fmt::format("no service {}{}", config::in_quotes(listener.service),
                         config::suggestion(listener.service, names)));
  }
}

// Whoever could send a header to such a listener could come from any address that it likes.
void Checker::check_proxies() {
  for (const auto& listener : config_.listeners) {
    const bool is_unix = std::holds_alternative<net::UnixEndpoint>(listener.address);
    const auto& limits = listener.limits;
    if (!limits.needs_proxy_header || is_unix || !limits.proxy_trusted.empty()) continue;
    const auto path = "listeners." + listener.name;
    complain({path + ".proxy_trusted", path + ".proxy_protocol"},
             "proxy_protocol: required needs the addresses of your proxies in proxy_trusted");
  }
}

void Checker::check_penalties() {
  const auto& penalties = config_.limits.admission.per_source.penalties;
  if (penalties.min <= penalties.max) return;
  complain({"limits.per_source.penalties.min", "limits.per_source.penalties.max"},
           fmt::format("min ({}) must not exceed max ({}): no source would ever be refused",
                       base::to_text(penalties.min), base::to_text(penalties.max)));
}

// Who has said nothing must not be let stay while people in conversation are sent away.
void Checker::check_overload() {
  const auto& [first_message, idle, line, write] = config_.overload.timeouts;
  if (idle.count() == 0 || idle >= first_message) return;
  complain({"overload.idle", "overload.first_message"},
           fmt::format("idle ({}) must not be shorter than first_message ({}): those who have said "
                       "nothing go first",
                       base::to_text(idle), base::to_text(first_message)));
}

void Checker::check_addresses() {
  std::vector<std::pair<std::string, net::Endpoint>> all;
  for (const auto& listener : config_.listeners) {
    all.emplace_back("listeners." + listener.name + ".address", listener.address);
  }
  if (const auto admin = net::parse_endpoint(config_.admin.address)) {
    all.emplace_back("admin.address", *admin);
  }
  for (auto one = all.begin(); one != all.end(); ++one) {
    const auto* tcp = std::get_if<net::TcpEndpoint>(&one->second);
    if (tcp != nullptr && tcp->port == 0) continue;
    const auto same = std::find_if(all.begin(), one,
                                   [&](const auto& other) { return other.second == one->second; });
    if (same == one || reading_.broken.contains(same->first)) continue;
    complain({one->first, same->first},
             fmt::format("{} is {} too", net::to_text(one->second), same->first));
  }
}

void Checker::check_size(const std::string& path, const std::string& text,
                         const session::ServiceOptions& service, const std::string& service_path) {
  const auto parsed = protocol::Template::parse(text);
  if (!parsed) return;
  // A byte that is no UTF-8 becomes the three bytes of U+FFFD.
  const std::size_t growth = service.utf8 == session::Utf8::Replace ? 3 : 1;
  const base::Bytes longest{parsed->size_max(service.max_message.count * growth)};
  if (longest <= config_.output.hard) return;
  complain({path, service_path + ".max_message", "output.hard"},
           fmt::format("can become {} long, more than output.hard ({})", base::to_text(longest),
                       base::to_text(config_.output.hard)));
}

void Checker::check_services() {
  for (const auto& [name, service] : config_.services) {
    const auto path = "services." + name;
    check_size(path + ".greeting", service.greeting, service, path);
    check_size(path + ".farewell", service.farewell, service, path);
    check_size(path + ".reply", service.reply, service, path);
    const bool reads_whole = service.framing == session::Framing::Read;
    if (reads_whole && service.max_message > session::kReadMessageMax) {
      complain({path + ".max_message", path + ".framing"},
               fmt::format("with framing: read a message is one read, of at most {}",
                           base::to_text(session::kReadMessageMax)));
    }
    for (const auto& word : service.quit_words) {
      if (word.size() <= service.max_message.count) continue;
      complain({path + ".quit_words", path + ".max_message"},
               fmt::format("{} is longer than max_message ({})", config::in_quotes(word),
                           base::to_text(service.max_message)));
    }
  }
}

void Checker::check_output() {
  const auto& [soft, soft_time, hard, budget] = config_.output;
  if (soft > hard) {
    complain({"output.soft", "output.hard"}, fmt::format("soft ({}) must not exceed hard ({})",
                                                         base::to_text(soft), base::to_text(hard)));
  }
  if (hard > budget) {
    complain({"output.hard", "output.budget"},
             fmt::format("hard ({}) must not exceed budget ({})", base::to_text(hard),
                         base::to_text(budget)));
  }
}

void Checker::check_drain() {
  const auto& drain = config_.drain;
  const auto parts = drain.announce + drain.grace + drain.spread + drain.linger;
  if (parts <= drain.deadline) return;
  complain({"drain.deadline", "drain.announce", "drain.spread", "drain.grace", "drain.linger"},
           fmt::format("announce + grace + spread + linger ({}) must not exceed deadline ({})",
                       base::to_text(parts), base::to_text(drain.deadline)));
}

void Checker::check_idle_warning() {
  const auto idle = config_.timeouts.idle;
  if (config_.idle_warning.empty() || idle > 30s) return;
  complain({"idle_warning", "timeouts.idle"},
           fmt::format("is sent 30s before timeouts.idle, which is {}", base::to_text(idle)));
}

void Checker::check_admin() {
  const auto& admin = config_.admin;
  if (admin.token_for != admin::TokenFor::Everything || !admin.token_file.empty()) return;
  complain({"admin.token_for", "admin.token_file"}, "everything needs a token_file");
}

void Checker::check_admin_tls() {
  const auto& [certificate, key] = config_.admin.tls;
  const bool is_whole = !certificate.empty() && !key.empty();
  if (is_whole && config_.admin.address.starts_with("unix:")) {
    return complain({"admin.tls.certificate", "admin.tls.key"},
                    "a Unix socket needs no TLS: its file's mode says who may connect");
  }
  check_tls("admin.tls.", {.certificate = certificate, .key = key});
}

void Checker::check_listeners_tls() {
  for (const auto& listener : config_.listeners) {
    check_tls("listeners." + listener.name + ".tls.", listener.tls);
  }
}

// `path` is that of the section, with a dot at its end.
void Checker::check_tls(const std::string& path, const net::TlsServerOptions& tls) {
  if (!tls.is_on()) {
    if (!tls.key.empty()) complain({path + "key"}, "a key needs its certificate");
    if (!tls.client_ca.empty()) complain({path + "client_ca"}, "needs a certificate and its key");
    if (!tls.sni.empty()) complain({path + "sni"}, "needs a certificate for all other names");
    return;
  }
  if (tls.key.empty()) return complain({path + "certificate"}, "a certificate needs its key");
  const auto context = net::TlsContext::for_server(tls);
  if (context) return;
  constexpr std::array kKeys{"certificate", "key", "sni", "client_ca"};
  const auto option = static_cast<std::size_t>(context.error().option);
  complain({path + kKeys[option]}, context.error().text);
}

}  // namespace

void check_across(const GatewayConfig& config, const std::string& name, config::Reading& reading) {
  Checker checker{config, name, reading};
  checker.check_listeners();
  checker.check_proxies();
  checker.check_penalties();
  checker.check_overload();
  checker.check_addresses();
  checker.check_services();
  checker.check_output();
  checker.check_drain();
  checker.check_idle_warning();
  checker.check_admin();
  checker.check_admin_tls();
  checker.check_listeners_tls();
}

}  // namespace chatgate::service
