// A peer that sends what OpenSSL handles by itself, for as long as it comes.

#include "socket_pair.h"

#include <array>
#include <csignal>
#include <string>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <poll.h>

#include <chatgate/net/tls_stream.h>
#include <chatgate/support/certificate.h>

namespace chatgate::net {
namespace {

using Status = TlsStream::Status;

// A client that sends `count` key updates (RFC 8446, section 4.6.3), or until nobody reads them,
// then a word.
void flood(int socket, int count) {
  ::signal(SIGPIPE, SIG_IGN);  // For when nobody reads any more.
  auto* const context = ::SSL_CTX_new(::TLS_client_method());
  auto* const stream = ::SSL_new(context);
  ::SSL_set_fd(stream, socket);
  if (::SSL_connect(stream) == 1) {
    int sent = 1;
    for (int i = 0; i < count && sent == 1; ++i) {
      ::SSL_key_update(stream, SSL_KEY_UPDATE_NOT_REQUESTED);
      sent = ::SSL_do_handshake(stream);
    }
    if (sent == 1) ::SSL_write(stream, "word", 4);
  }
  ::SSL_free(stream);
  ::SSL_CTX_free(context);
}

// What comes of reading from such a client: the word, or why it cannot be read.
std::string read_from_flooder(int key_updates) {
  const support::Certificate identity;
  auto sockets = tcp_pair();
  TlsStream ours{
      *TlsContext::for_server({.certificate = identity.certificate(), .key = identity.key()}),
      sockets.ours.get()};
  std::thread client{[&] { flood(sockets.peer.get(), key_updates); }};
  std::array<char, 100> text;
  TlsStream::Result result{Status::WantsInput};
  while (result.status == Status::WantsInput) {
    ::pollfd readable{sockets.ours.get(), POLLIN, 0};
    if (::poll(&readable, 1, 20'000) != 1) break;
    result = ours.read(text);
  }
  sockets.ours.reset();
  client.join();
  return result.status == Status::Done ? std::string{text.data(), result.size} : ours.error();
}

TEST(TlsFloodTest, SomeKeyUpdatesAreInOrder) { EXPECT_EQ(read_from_flooder(100), "word"); }

TEST(TlsFloodTest, AFloodOfThemIsCutOff) {
  EXPECT_EQ(read_from_flooder(10'000'000), "Protocol error");
}

}  // namespace
}  // namespace chatgate::net
