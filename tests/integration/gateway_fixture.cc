#include "gateway_fixture.h"

#include <chatgate/support/metrics_text.h>

namespace chatgate::integration {

using namespace std::chrono_literals;

GatewayTest::GatewayTest() {
  listener().address = endpoint("127.0.0.1:0");
  config.threads.workers = 2;
  config.admin.address = "127.0.0.1:0";
  config.drain = {.announce = 0s, .grace = 0s, .spread = 0s, .deadline = 5s, .linger = 2s};
  config.drain.notice.clear();
  service().greeting = "hello\n";
  service().reply = "<{message}>\n";
}

void GatewayTest::TearDown() {
  if (!gateway_) return;
  EXPECT_TRUE(eventually([&] {
    const auto text = gateway().metrics();
    return support::is_accounted(text) &&
           support::metric(text, "chatgate_global_connections_open") == 0;
  })) << gateway().metrics();
  EXPECT_TRUE(support::is_accounted(gateway().metrics()));
}

TestGateway& GatewayTest::start() {
  gateway_ = std::make_unique<TestGateway>(config, dir.file("gateway.log"));
  return *gateway_;
}

TestGateway& GatewayTest::start_from_file() {
  gateway_ = TestGateway::of_file(dir.file("chatgate.yaml"));
  return *gateway_;
}

TestClient GatewayTest::greeted(const support::ConnectOptions& options) {
  auto client = gateway().connect(options);
  EXPECT_EQ(client.receive_line(), "hello");
  return client;
}

bool GatewayTest::ends_with(std::string_view reason, double times) {
  return eventually([&] { return gateway().ended(reason) == times; });
}

net::Endpoint endpoint(std::string_view text) { return net::parse_endpoint(text).value(); }

std::string repeated(std::string_view text, std::size_t count) {
  std::string all;
  all.reserve(text.size() * count);
  for (std::size_t i = 0; i < count; ++i) all += text;
  return all;
}

}  // namespace chatgate::integration
