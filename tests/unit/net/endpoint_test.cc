#include <ostream>
#include <string>

#include <gtest/gtest.h>

#include <chatgate/net/listen_options.h>

namespace chatgate::net {
namespace {

using namespace std::string_literals;

struct ReadEndpoint {
  const char* name;
  std::string text;
  Endpoint endpoint;
};

void PrintTo(const ReadEndpoint& read, std::ostream* out) { *out << read.name; }

class ReadEndpointTest : public ::testing::TestWithParam<ReadEndpoint> {};

TEST_P(ReadEndpointTest, IsUnderstoodAndWrittenAsItWasRead) {
  const auto endpoint = parse_endpoint(GetParam().text);
  ASSERT_TRUE(endpoint.has_value());
  EXPECT_TRUE(*endpoint == GetParam().endpoint);
  EXPECT_EQ(to_text(*endpoint), GetParam().text);
}

TcpEndpoint tcp(const char* ip, std::uint16_t port) { return {IpAddress::parse(ip).value(), port}; }

INSTANTIATE_TEST_SUITE_P(
    Endpoints, ReadEndpointTest,
    ::testing::Values(ReadEndpoint{"V4", "127.0.0.1:1935", tcp("127.0.0.1", 1935)},
                      ReadEndpoint{"V4Any", "0.0.0.0:1935", tcp("0.0.0.0", 1935)},
                      ReadEndpoint{"V6Any", "[::]:1935", tcp("::", 1935)},
                      ReadEndpoint{"V6", "[2001:db8::1]:65535", tcp("2001:db8::1", 65535)},
                      ReadEndpoint{"PortOfTheKernelsChoice", "127.0.0.1:0", tcp("127.0.0.1", 0)},
                      ReadEndpoint{"Unix", "unix:/run/chatgate.sock",
                                   UnixEndpoint{"/run/chatgate.sock"}},
                      ReadEndpoint{"UnixWithColon", "unix:/run/a:b", UnixEndpoint{"/run/a:b"}},
                      ReadEndpoint{"UnixOfTheGreatestLength", "unix:/" + std::string(106, 'p'),
                                   UnixEndpoint{"/" + std::string(106, 'p')}},
                      ReadEndpoint{"Inherited", "fd:public", InheritedEndpoint{"public"}},
                      ReadEndpoint{"InheritedUnit", "fd:chatgate@1.socket",
                                   InheritedEndpoint{"chatgate@1.socket"}}),
    [](const auto& instance) { return instance.param.name; });

struct RefusedEndpoint {
  const char* name;
  std::string text;
};

void PrintTo(const RefusedEndpoint& refused, std::ostream* out) { *out << refused.name; }

class RefusedEndpointTest : public ::testing::TestWithParam<RefusedEndpoint> {};

TEST_P(RefusedEndpointTest, IsNoEndpoint) {
  EXPECT_FALSE(parse_endpoint(GetParam().text).has_value());
}

INSTANTIATE_TEST_SUITE_P(
    Mistakes, RefusedEndpointTest,
    ::testing::Values(
        RefusedEndpoint{"Empty", ""}, RefusedEndpoint{"PortAlone", "1935"},
        RefusedEndpoint{"NoHost", ":1935"}, RefusedEndpoint{"NoPort", "127.0.0.1"},
        RefusedEndpoint{"EmptyPort", "127.0.0.1:"},
        RefusedEndpoint{"PortTooGreat", "127.0.0.1:65536"},
        RefusedEndpoint{"NegativePort", "127.0.0.1:-1"},
        RefusedEndpoint{"PortWithLeadingZero", "127.0.0.1:080"},
        RefusedEndpoint{"PortWithUnit", "127.0.0.1:80s"}, RefusedEndpoint{"Name", "localhost:1935"},
        RefusedEndpoint{"Star", "*:1935"}, RefusedEndpoint{"V6WithoutBrackets", "::1:1935"},
        RefusedEndpoint{"V4InBrackets", "[127.0.0.1]:1935"},
        RefusedEndpoint{"OpenBracket", "[::1:1935"}, RefusedEndpoint{"EmptyBrackets", "[]:1935"},
        RefusedEndpoint{"V6WithoutPort", "[::1]"}, RefusedEndpoint{"NoPath", "unix:"},
        RefusedEndpoint{"RelativePath", "unix:run/chatgate.sock"},
        RefusedEndpoint{"PathWithNul", "unix:/run\0x"s},
        RefusedEndpoint{"PathOneByteTooLong", "unix:/" + std::string(107, 'p')},
        RefusedEndpoint{"NoName", "fd:"}, RefusedEndpoint{"NameWithColon", "fd:a:b"},
        RefusedEndpoint{"NameWithNewline", "fd:a\nb"}, RefusedEndpoint{"NameBeyondAscii", "fd:é"},
        RefusedEndpoint{"NameOneByteTooLong", "fd:" + std::string(256, 'n')},
        RefusedEndpoint{"OtherScheme", "tcp:127.0.0.1:1935"}),
    [](const auto& instance) { return instance.param.name; });

TEST(EndpointTest, IsV4WhenItsHostIsV4Mapped) {
  const auto endpoint = parse_endpoint("[::ffff:127.0.0.1]:1935");
  ASSERT_TRUE(endpoint.has_value());
  EXPECT_EQ(to_text(*endpoint), "127.0.0.1:1935");
}

}  // namespace
}  // namespace chatgate::net
