#include "test_gateway.h"

#include <limits>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include <chatgate/service/gateway.h>
#include <chatgate/service/load_config.h>
#include <chatgate/support/metrics_text.h>

namespace chatgate::integration {

struct TestGateway::Parts {
  Parts(service::GatewayConfig config, service::GatewayOrigin origin)
      : applied{log.apply(config.log)}, gateway{std::move(config), std::move(origin), log} {
    if (applied) throw std::runtime_error{*applied};
  }

  telemetry::Log log;
  const std::optional<std::string> applied;
  service::Gateway gateway;
};

namespace {

service::GatewayConfig logging_to(const std::string& file, service::GatewayConfig config) {
  config.log.output = "file:" + file;
  return config;
}

service::LoadedConfig load(const std::string& file) {
  auto loaded = service::load_config(file, {});
  if (!loaded.is_valid()) throw std::runtime_error{to_text(loaded.diagnostics.front())};
  return loaded;
}

}  // namespace

TestGateway::TestGateway(std::unique_ptr<Parts> parts) : parts_{std::move(parts)} {}

TestGateway::TestGateway(service::GatewayConfig config, const std::string& log_file)
    : TestGateway{std::make_unique<Parts>(logging_to(log_file, std::move(config)),
                                          service::GatewayOrigin{})} {}

std::unique_ptr<TestGateway> TestGateway::of_file(const std::string& config_file) {
  auto loaded = load(config_file);
  service::GatewayOrigin origin{.config_file = config_file, .origins = std::move(loaded.origins)};
  auto parts = std::make_unique<Parts>(std::move(loaded.config), std::move(origin));
  return std::unique_ptr<TestGateway>{new TestGateway{std::move(parts)}};
}

TestGateway::~TestGateway() = default;

std::string TestGateway::address(const std::string& listener) const {
  return parts_->gateway.address(listener);
}

std::uint16_t TestGateway::port(const std::string& listener) const {
  const auto text = address(listener);
  return static_cast<std::uint16_t>(std::stoul(text.substr(text.rfind(':') + 1)));
}

support::TestClient TestGateway::connect(const support::ConnectOptions& options) const {
  return support::TestClient{port(), options};
}

support::HttpResponse TestGateway::get(const std::string& path) const {
  return support::http_get(parts_->gateway.admin_port(), path);
}

support::HttpResponse TestGateway::post(const std::string& path) const {
  return support::http_post(parts_->gateway.admin_port(), path);
}

double TestGateway::metric(std::string_view series) const {
  return support::metric(metrics(), series).value_or(std::numeric_limits<double>::quiet_NaN());
}

double TestGateway::ended(std::string_view reason) const {
  const auto text = metrics();
  const auto label = fmt::format("{{listener=\"public\",reason=\"{}\"}}", reason);
  return support::metric(text, "chatgate_connections_closed_total" + label).value_or(0) +
         support::metric(text, "chatgate_connections_rejected_total" + label).value_or(0);
}

void TestGateway::request_drain() { parts_->gateway.request_drain(); }
bool TestGateway::request_undrain() { return parts_->gateway.request_undrain(); }
void TestGateway::request_stop() { parts_->gateway.request_stop(); }

bool TestGateway::has_stopped_within(std::chrono::milliseconds time) const {
  return parts_->gateway.wait_for(time);
}

}  // namespace chatgate::integration
