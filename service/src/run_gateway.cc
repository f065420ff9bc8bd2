#include <cerrno>
#include <exception>
#include <iostream>
#include <memory>
#include <utility>

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <chatgate/service/cli.h>
#include <chatgate/service/gateway.h>
#include <chatgate/service/load_config.h>
#include <chatgate/service/run_gateway.h>
#include <chatgate/service/service_manager.h>

namespace chatgate::service {
namespace {

// How soon the main thread notices that a gateway stopped without a signal, or that a thread is
// stuck.
constexpr std::chrono::milliseconds kStopCheck{50};

// Blocked in every thread, these signals wait until the main thread asks for them (sigwaitinfo(2)):
// no handler, so nothing that a handler must not do.
::sigset_t block_signals() {
  ::signal(SIGPIPE, SIG_IGN);
  ::sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT}) ::sigaddset(&signals, signal);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

// Gives the next signal, or 0 when none came within a moment.
int next_signal(const ::sigset_t& signals) {
  const ::timespec moment{.tv_sec = 0, .tv_nsec = std::chrono::nanoseconds{kStopCheck}.count()};
  const int signal = ::sigtimedwait(&signals, nullptr, &moment);
  return signal > 0 ? signal : 0;
}

void obey(Gateway& gateway, telemetry::Log& log, int signal) {
  log.info("signal_received", {{"signal", ::sigabbrev_np(signal)}});
  switch (signal) {
    case SIGTERM:
    case SIGINT:
      gateway.request_drain();
      break;
    case SIGHUP:
      gateway.request_reload();
      break;
    case SIGQUIT:
      gateway.request_stop();
      break;
    default:
      break;
  }
}

int serve(GatewayConfig config, GatewayOrigin origin, telemetry::Log& log,
          const ::sigset_t& signals) {
  std::unique_ptr<Gateway> gateway;
  try {
    gateway = std::make_unique<Gateway>(std::move(config), std::move(origin), log);
  } catch (const UnusableSetting& failure) {
    log.error("start_failed", {{"error", failure.what()}});
    return kExitBadConfig;
  } catch (const std::exception& failure) {
    log.error("start_failed", {{"error", failure.what()}});
    return kExitCannotStart;
  }
  while (!gateway->wait_for(std::chrono::nanoseconds{0})) {
    if (const int signal = next_signal(signals)) obey(*gateway, log, signal);
    gateway->watch();
  }
  return kExitDone;
}

}  // namespace

int run_gateway(const std::string& config_file) {
  const auto signals = block_signals();
  GatewayOrigin origin{.config_file = config_file,
                       .environment = config::environment_with(kVariablePrefix, ::environ),
                       .inherited = net::InheritedSockets::take_from_environment(),
                       .watchdog = watchdog_period()};
  auto loaded = load_config(config_file, origin.environment);
  if (!loaded.is_valid()) {
    const auto priority = telemetry::stderr_is_journal() ? "<3>" : "";  // sd-daemon(3): an error
    for (const auto& diagnostic : loaded.diagnostics) {
      std::cerr << priority << to_text(diagnostic) << '\n';
    }
    return kExitBadConfig;
  }
  origin.origins = loaded.origins;
  telemetry::Log log;
  if (const auto error = log.apply(loaded.config.log)) {
    log.error("start_failed", {{"error", *error}});
    return kExitBadConfig;
  }
  if (is_unheard_service()) {
    log.info("notify_unavailable", {{"advice",
                                     "NOTIFY_SOCKET is not set: Type=notify has no use, "
                                     "and nobody watches (systemd.service(5))"}});
  }
  return serve(std::move(loaded.config), std::move(origin), log, signals);
}

}  // namespace chatgate::service
