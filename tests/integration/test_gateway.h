#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <chatgate/service/gateway_config.h>
#include <chatgate/support/http.h>
#include <chatgate/support/test_client.h>

namespace chatgate::integration {

/// A gateway in this process, seen as the outside sees it: through its sockets and its endpoint.
///
/// Threads: any. Lifetime: the destructor resets what is still open.
class TestGateway {
 public:
  /// Starts from `config`; logs to `log_file`.
  TestGateway(service::GatewayConfig config, const std::string& log_file);

  /// Starts from the configuration file, which a reload reads again.
  static std::unique_ptr<TestGateway> of_file(const std::string& config_file);

  ~TestGateway();
  TestGateway(const TestGateway&) = delete;
  TestGateway& operator=(const TestGateway&) = delete;

  /// Where a listener listens; `public` is the only one of most tests.
  std::string address(const std::string& listener = "public") const;
  std::uint16_t port(const std::string& listener = "public") const;

  support::TestClient connect(const support::ConnectOptions& options = {}) const;

  support::HttpResponse get(const std::string& path) const;
  support::HttpResponse post(const std::string& path) const;

  std::string metrics() const { return get("/metrics").body; }
  /// The value of one series; NaN when there is none.
  double metric(std::string_view series) const;
  /// Sessions that ended with `reason`, and connections refused for it, on all listeners.
  double ended(std::string_view reason) const;
  double open() const { return metric("chatgate_global_connections_open"); }

  void request_drain();
  bool request_undrain();
  void request_stop();
  /// Whether the gateway has stopped within `time`.
  bool has_stopped_within(std::chrono::milliseconds time) const;

 private:
  struct Parts;
  explicit TestGateway(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;  // Keeps the composition root, heavy to compile, out of tests.
};

}  // namespace chatgate::integration
