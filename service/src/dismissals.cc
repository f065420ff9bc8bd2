#include <array>
#include <utility>

#include <sys/socket.h>

#include <chatgate/base/assert.h>
#include <chatgate/service/dismissals.h>
#include <chatgate/session/goodbye.h>

namespace chatgate::service {
namespace {

// Discards what has arrived, so that closing sends FIN and not RST; bounded like a goodbye.
void discard_arrived(int socket) noexcept {
  std::array<char, 4096> sink;
  for (std::size_t total = 0; total < session::kLingerBytesMax;) {
    const auto count = ::recv(socket, sink.data(), sink.size(), MSG_DONTWAIT);
    if (count <= 0) return;
    total += static_cast<std::size_t>(count);
  }
}

}  // namespace

Dismissals::~Dismissals() {
  // Each ends on the spot, and leaves the list.
  for (auto* connection : std::vector{lingering_}) connection->tell();
  CHATGATE_ASSERT(lingering_.empty());
}

void Dismissals::dismiss(net::UniqueFd socket, std::string line) {
  if (!budget_.take()) return dismiss_at_once(std::move(socket), line);
  linger(std::move(socket), std::move(line));
}

void Dismissals::dismiss_at_once(net::UniqueFd socket, const std::string& line) noexcept {
  if (!line.empty()) {
    [[maybe_unused]] const auto ignored =
        ::send(socket.get(), line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  ::shutdown(socket.get(), SHUT_WR);
  discard_arrived(socket.get());
}

void Dismissals::reset(net::UniqueFd socket) noexcept {
  const ::linger at_once{.l_onoff = 1, .l_linger = 0};  // socket(7): a timeout of 0 sends RST.
  ::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

net::RootTask Dismissals::linger(net::UniqueFd socket, std::string line) {
  net::Connection connection{loop_, std::move(socket), *this};
  lingering_.push_back(&connection);
  if (!connection.open() && connection.send(line, {}) >= 0) {
    auto goodbye = session::say_goodbye(connection, loop_, {});
    [[maybe_unused]] const auto ignored = co_await goodbye;
  }
  std::erase(lingering_, &connection);
  budget_.give_back();
}

}  // namespace chatgate::service
