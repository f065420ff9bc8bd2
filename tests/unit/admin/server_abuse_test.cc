#include "fake_backend.h"
#include "http_client.h"

#include <future>
#include <memory>
#include <ostream>
#include <vector>

#include <gmock/gmock.h>

#include <chatgate/admin/server.h>

namespace chatgate::admin {
namespace {

using namespace std::chrono_literals;
using ::testing::IsEmpty;

class AbuseTest : public ::testing::Test {
 protected:
  FakeBackend backend_;
  Server server_{{.address = "127.0.0.1:0", .token_file = ""}, backend_};
};

struct Malformed {
  const char* name;
  std::string bytes;
  int status;  // 0: closed without a word.
};

void PrintTo(const Malformed& malformed, std::ostream* out) { *out << malformed.name; }

class MalformedTest : public AbuseTest, public ::testing::WithParamInterface<Malformed> {};

TEST_P(MalformedTest, IsRefusedAndTheNextClientIsServed) {
  HttpClient client{server_.port()};
  client.send(GetParam().bytes);
  client.finish_sending();
  EXPECT_EQ(client.receive().status, GetParam().status);
  EXPECT_THAT(backend_.commands(), IsEmpty());
  EXPECT_EQ(get(server_.port(), "/livez").status, 200);
}

// Of this length, so that the server reads every byte before it refuses: what it left unread would
// reset the connection and could cost the client the answer.
std::string endless_header() {
  std::string text = "GET / HTTP/1.1\r\nX: ";
  return text + std::string(8192 - text.size(), 'a');
}

std::string many_headers() {
  std::string text = "POST /drain HTTP/1.1\r\n";
  for (int i = 0; i < 200; ++i) text += "X: y\r\n";
  return text + "Origin: http://evil.example\r\n\r\n";
}

INSTANTIATE_TEST_SUITE_P(
    AllKinds, MalformedTest,
    ::testing::Values(
        Malformed{"Nothing", "", 0}, Malformed{"Newlines", "\r\n\r\n", 400},
        Malformed{"Chat", "hello\r\n\r\n", 400}, Malformed{"HalfRequest", "GET /metr", 400},
        Malformed{"Binary", std::string("\x16\x03\x01\0\x05", 5), 400},
        Malformed{"UnknownMethod", "DANCE / HTTP/1.1\r\n\r\n", 400},
        Malformed{"UnknownVersion", "GET / HTTP/3.0\r\n\r\n", 505},
        Malformed{"EndlessHeader", endless_header(), 400},
        Malformed{"TooManyHeaders", many_headers(), 431},
        Malformed{"NegativeLength", "POST /drain HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 411},
        Malformed{"HugeLength", "POST /drain HTTP/1.1\r\nContent-Length: 9999999999999\r\n\r\n",
                  413},
        Malformed{"LongBody",
                  "POST /drain HTTP/1.1\r\nContent-Length: 1025\r\n\r\n" + std::string(1025, 'a'),
                  413},
        Malformed{"ShortBody", "POST /drain HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc", 408},
        Malformed{"UnknownEncoding", "POST /drain HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
                  400},
        Malformed{"PathOutOfTheRoot", "GET /../../etc/passwd HTTP/1.1\r\n\r\n", 404},
        Malformed{"Preflight",
                  "OPTIONS /drain HTTP/1.1\r\nOrigin: http://evil.example\r\n"
                  "Access-Control-Request-Method: POST\r\n\r\n",
                  405}),
    [](const auto& instance) { return instance.param.name; });

TEST_F(AbuseTest, ServesOthersWhileThreeClientsDawdle) {
  HttpClient silent{server_.port()};
  HttpClient half{server_.port()};
  half.send("GET /livez HT");
  HttpClient without_body{server_.port()};
  without_body.send("POST /drain HTTP/1.1\r\nContent-Length: 4\r\n\r\n");
  const auto asked = std::chrono::steady_clock::now();
  EXPECT_EQ(get(server_.port(), "/livez").status, 200);
  EXPECT_LT(std::chrono::steady_clock::now() - asked, 4s);
}

TEST_F(AbuseTest, EndsADawdlersRequestSoThatFourCannotKeepOthersOut) {
  std::vector<std::unique_ptr<HttpClient>> dawdlers;
  for (int i = 0; i < 4; ++i) {
    dawdlers.push_back(std::make_unique<HttpClient>(server_.port()));
    dawdlers.back()->send("GET /livez HT");
  }
  EXPECT_EQ(get(server_.port(), "/livez").status, 200);
  for (const auto& dawdler : dawdlers) EXPECT_EQ(dawdler->receive().status, 400);
}

TEST_F(AbuseTest, SurvivesAClientThatLeavesDuringALongAnswer) {
  backend_.open.rows.assign(10'000, make_row(1, "10.0.0.1"));
  HttpClient{server_.port()}.send("GET /connections?limit=10000 HTTP/1.1\r\n\r\n");
  EXPECT_EQ(get(server_.port(), "/livez").status, 200);
}

TEST_F(AbuseTest, StopsWhileAClientDawdles) {
  auto server =
      std::make_unique<Server>(AdminOptions{.address = "127.0.0.1:0", .token_file = ""}, backend_);
  HttpClient dawdler{server->port()};
  dawdler.send("GET /livez HT");
  EXPECT_EQ(get(server->port(), "/livez").status, 200);
  const auto asked = std::chrono::steady_clock::now();
  server.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - asked, 4s);
}

int count_served(std::uint16_t port, HttpClient::Family family, int clients) {
  std::vector<std::unique_ptr<HttpClient>> waiting;
  for (int i = 0; i < clients; ++i) {
    waiting.push_back(std::make_unique<HttpClient>(port, family));
    waiting.back()->send("GET /connections HTTP/1.1\r\nHost: localhost\r\n\r\n");
  }
  int served = 0;
  for (const auto& client : waiting) served += client->receive().status == 200;
  return served;
}

TEST_F(AbuseTest, ServesTwoHundredClientsAtATime) {
  EXPECT_EQ(count_served(server_.port(), HttpClient::Family::V4, 200), 200);
}

TEST_F(AbuseTest, ServesTwoHundredClientsAtATimeByV6) {
  const Server server{{.address = "[::1]:0", .token_file = ""}, backend_};
  EXPECT_EQ(count_served(server.port(), HttpClient::Family::V6, 200), 200);
}

TEST_F(AbuseTest, ServesClientsOfManyThreads) {
  std::vector<std::future<int>> threads;
  for (int i = 0; i < 8; ++i) {
    threads.push_back(std::async(std::launch::async, [this] {
      return count_served(server_.port(), HttpClient::Family::V4, 25);
    }));
  }
  for (auto& thread : threads) EXPECT_EQ(thread.get(), 25);
}

}  // namespace
}  // namespace chatgate::admin
