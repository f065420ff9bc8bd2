#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include <arpa/inet.h>
#include <fmt/format.h>

#include <chatgate/base/assert.h>
#include <chatgate/protocol/proxy_header.h>
#include <chatgate/support/proxy_header_model.h>

namespace {

using chatgate::protocol::kProxyHeaderBytesMax;
using chatgate::protocol::parse_proxy_header;
using chatgate::protocol::ProxyHeader;
using chatgate::protocol::ProxyParse;
using State = chatgate::protocol::ProxyParse::State;

std::string client_of(const ProxyHeader& header) {
  if (header.relayed == ProxyHeader::Relayed::Nobody) return "";
  const bool is_v4 = header.relayed == ProxyHeader::Relayed::V4;
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(is_v4 ? AF_INET : AF_INET6, header.client_ip.data(), text.data(), text.size());
  return is_v4 ? fmt::format("{}:{}", text.data(), header.client_port)
               : fmt::format("[{}]:{}", text.data(), header.client_port);
}

void check_same(const ProxyParse& one, const ProxyParse& other) {
  CHATGATE_ASSERT(one.state == other.state);
  CHATGATE_ASSERT(one.header.size == other.header.size);
  CHATGATE_ASSERT(one.header.client_ip == other.header.client_ip);
  CHATGATE_ASSERT(one.mistake.offset == other.mistake.offset);
}

}  // namespace

// A header is taken exactly when the model takes it, wherever the reads are cut: what was decided
// once stays so.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes{reinterpret_cast<const char*>(data), size};
  const auto whole = parse_proxy_header(bytes);
  const auto expected = chatgate::support::model_proxy_header(bytes);
  CHATGATE_ASSERT((whole.state == State::Complete) == expected.has_value());
  if (expected) {
    CHATGATE_ASSERT(whole.header.size == expected->size);
    CHATGATE_ASSERT(client_of(whole.header) == expected->client);
  }
  CHATGATE_ASSERT(whole.state != State::NeedMore || size < kProxyHeaderBytesMax);
  CHATGATE_ASSERT(whole.state != State::Invalid || whole.mistake.offset <= size);

  for (std::size_t cut = 0; cut < size && cut < 300; ++cut) {
    const auto part = parse_proxy_header(std::string_view{bytes}.substr(0, cut));
    if (part.state != State::NeedMore) check_same(part, whole);
  }
  return 0;
}
