#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include <chatgate/base/assert.h>
#include <chatgate/service/listeners.h>
#include <chatgate/service/memory_budget.h>

namespace chatgate::service {
namespace {

// The configuration check has refused texts that are no templates.
protocol::Template compile(const std::string& text) {
  auto compiled = protocol::Template::parse(text);
  CHATGATE_ASSERT(compiled.has_value());
  return *std::move(compiled);
}

// The sockets of one port share an address; those of a socket unit may each have their own.
std::string addresses_of(const std::vector<net::ListeningSocket>& sockets) {
  std::string addresses;
  for (const auto& socket : sockets) {
    const auto address = socket.address();
    if (addresses.ends_with(address)) continue;
    addresses += (addresses.empty() ? "" : ", ") + address;
  }
  return addresses;
}

admission::ListenerLimits limits_of(const ListenerConfig& config) {
  auto limits = config.limits;
  limits.is_encrypted = config.tls.is_on();
  return limits;
}

}  // namespace

Listeners::TlsContexts Listeners::load_tls(const GatewayConfig& config) {
  TlsContexts contexts;
  for (const auto& listener : config.listeners) {
    if (!listener.tls.is_on()) continue;
    auto context = net::TlsContext::for_server(listener.tls);
    if (!context) {
      throw UnusableSetting{
          fmt::format("listeners.{}.tls: {}", listener.name, context.error().text)};
    }
    contexts.emplace(listener.name, *std::move(context));
  }
  return contexts;
}

Listeners::OpenSockets Listeners::open_sockets(const GatewayConfig& config) const {
  OpenSockets sockets;
  const auto acceptors = static_cast<std::uint32_t>(acceptors_.size());
  for (const auto& listener : config.listeners) {
    if (find_same(listener) != nullptr) continue;
    try {
      sockets[listener.name] = net::open_listening_sockets(listener.address, listener.backlog,
                                                           acceptors, {}, inherited_);
    } catch (const std::system_error& error) {
      // The socket was passed, or not, when we started: asking again will not change it.
      if (!std::holds_alternative<net::InheritedEndpoint>(listener.address)) throw;
      throw UnusableSetting{error.what()};
    }
  }
  return sockets;
}

std::vector<std::string> Listeners::unused_sockets(const GatewayConfig& config) const {
  auto names = inherited_.names();
  for (const auto& listener : config.listeners) {
    const auto* used = std::get_if<net::InheritedEndpoint>(&listener.address);
    if (used != nullptr) std::erase(names, used->name);
  }
  return names;
}

const Listeners::Listener* Listeners::find_same(const ListenerConfig& config) const {
  const auto found = listeners_.find(config.name);
  const bool is_same = found != listeners_.end() && found->second.config.address == config.address;
  return is_same ? &found->second : nullptr;
}

std::vector<base::ListenerId> Listeners::apply(const GatewayConfig& config, OpenSockets sockets,
                                               const TlsContexts& tls) {
  std::map<std::string, Listener> before;
  before.swap(listeners_);
  for (const auto& listener : config.listeners) {
    const auto found = before.find(listener.name);
    if (sockets.contains(listener.name)) continue;
    CHATGATE_ASSERT(found != before.end());
    auto kept = before.extract(found);
    auto& entry = kept.mapped();
    for (const auto& acceptor : acceptors_) {
      if (entry.config.backlog != listener.backlog) {
        acceptor->set_backlog(entry.id, listener.backlog);
      }
    }
    entry.config = listener;
    admission_.apply(*entry.slot, limits_of(listener));
    set_profile(entry, config, tls);
    listeners_.insert(std::move(kept));
  }
  for (const auto& listener : config.listeners) {
    const auto opened = sockets.find(listener.name);
    if (opened != sockets.end()) add(listener, std::move(opened->second), config, tls);
  }
  std::vector<base::ListenerId> removed;
  for (auto& [name, listener] : before) {
    removed.push_back(listener.id);
    leaving_.emplace(listener.id, std::move(listener));
  }
  close(removed);
  return removed;
}

void Listeners::add(const ListenerConfig& config, std::vector<net::ListeningSocket> sockets,
                    const GatewayConfig& whole, const TlsContexts& tls) {
  Listener listener{.config = config, .id = {next_id_++}, .address = addresses_of(sockets)};
  listener.slot = &admission_.add_listener(listener.id, limits_of(config));
  listener.counters = &metrics_.listener(config.name);
  set_profile(listener, whole, tls);  // Before the first arrival can be handed over.
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    acceptors_[i % acceptors_.size()]->open({.id = listener.id,
                                             .name = config.name,
                                             .slot = *listener.slot,
                                             .counters = *listener.counters},
                                            std::move(sockets[i]));
  }
  listeners_.emplace(config.name, std::move(listener));
}

void Listeners::set_profile(const Listener& listener, const GatewayConfig& config,
                            const TlsContexts& tls) {
  const auto& service = config.services.at(listener.config.service);
  auto profile = std::make_shared<session::ListenerProfile>(
      session::ListenerProfile{.id = listener.id,
                               .name = listener.config.name,
                               .telnet = listener.config.telnet,
                               .service = service,
                               .timeouts = config.timeouts,
                               .overload_timeouts = config.overload.timeouts,
                               .output = config.output,
                               .idle_warning = config.idle_warning,
                               .log_sessions = config.log_sessions,
                               .greeting = compile(service.greeting),
                               .reply = compile(service.reply),
                               .farewell = compile(service.farewell)});
  // Each worker keeps to its own part, so that no session asks another thread what it may queue.
  profile->output.budget.count = output_budget(config.output.budget).count / workers_.size();
  profile->tls_handshakes_max =
      std::max<std::size_t>(config.limits.tls_handshakes / workers_.size(), 1);
  const auto context = tls.find(listener.config.name);
  if (context != tls.end()) profile->tls = context->second;
  for (const auto& worker : workers_) worker->set_profile(profile);
}

void Listeners::close(const std::vector<base::ListenerId>& ids) {
  for (const auto id : ids) {
    for (const auto& acceptor : acceptors_) acceptor->finish_queue(id);
  }
  for (const auto id : ids) {
    for (const auto& acceptor : acceptors_) acceptor->close(id);
  }
}

void Listeners::close_all() {
  close(ids());
  for (auto& [name, listener] : listeners_) leaving_.emplace(listener.id, std::move(listener));
  listeners_.clear();
}

std::vector<Listeners::Listener> Listeners::take_leaving(const std::vector<base::ListenerId>& ids) {
  std::vector<Listener> gone;
  for (const auto id : ids) {
    auto node = leaving_.extract(id);
    if (node) gone.push_back(std::move(node.mapped()));
  }
  return gone;
}

void Listeners::release(const std::vector<Listener>& gone) {
  for (const auto& listener : gone) {
    for (const auto& worker : workers_) worker->forget_listener(listener.id);
    admission_.remove_listener(*listener.slot);
  }
}

const admission::ListenerSlot* Listeners::slot_of_leaving(base::ListenerId id) const {
  return leaving_.at(id).slot;
}

std::vector<base::ListenerId> Listeners::ids() const {
  std::vector<base::ListenerId> ids;
  for (const auto& [name, listener] : listeners_) ids.push_back(listener.id);
  return ids;
}

}  // namespace chatgate::service
