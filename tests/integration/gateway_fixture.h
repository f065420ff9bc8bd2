#pragma once

#include "test_gateway.h"

#include <memory>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include <chatgate/support/eventually.h>
#include <chatgate/support/temp_dir.h>

namespace chatgate::integration {

using support::eventually;
using support::kEof;
using support::kReset;
using support::kTimeout;
using support::TestClient;

/// A test with one gateway. Change `config`, then start().
///
/// After each test every connection must be accounted for: accepted is refused plus closed plus
/// open, while the last ones go and when nothing is left.
class GatewayTest : public ::testing::Test {
 protected:
  /// Greets with `hello`, answers a message with itself in angle brackets, is silent in a drain,
  /// and listens on a port of 127.0.0.1 that the kernel chooses.
  GatewayTest();

  void TearDown() override;

  TestGateway& start();
  /// Starts from `dir`'s file `chatgate.yaml`.
  TestGateway& start_from_file();
  TestGateway& gateway() { return *gateway_; }
  session::ServiceOptions& service() { return config.services.at("greeter"); }
  service::ListenerConfig& listener() { return config.listeners.front(); }

  /// A client that has read the greeting `hello`.
  TestClient greeted(const support::ConnectOptions& options = {});

  /// Waits until one more session or connection ended with `reason`.
  bool ends_with(std::string_view reason, double times = 1);

  /// The gateway's log so far.
  std::string log() const { return dir.read("gateway.log"); }

  support::TempDir dir;
  service::GatewayConfig config;

 private:
  std::unique_ptr<TestGateway> gateway_;
};

/// `127.0.0.1:0`, `unix:/path`, … as a configuration has it.
net::Endpoint endpoint(std::string_view text);

/// `count` times `text`.
std::string repeated(std::string_view text, std::size_t count);

}  // namespace chatgate::integration
