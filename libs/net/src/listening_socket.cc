#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <chatgate/base/assert.h>
#include <chatgate/net/listening_socket.h>

namespace chatgate::net {
namespace {

constexpr ::mode_t kUnixSocketMode = 0660;

[[noreturn]] void fail(int error, const std::string& what) {
  throw std::system_error{error, std::generic_category(), what};
}

void set_option(int fd, int level, int name, int value) {
  if (::setsockopt(fd, level, name, &value, sizeof value) != 0) fail(errno, "setsockopt");
}

UniqueFd open_socket(int family) {
  UniqueFd socket{::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!socket) fail(errno, "socket");
  return socket;
}

struct SocketAddress {
  ::sockaddr_storage storage{};
  ::socklen_t size = 0;

  const ::sockaddr* get() const { return reinterpret_cast<const ::sockaddr*>(&storage); }
};

SocketAddress make_address(const TcpEndpoint& endpoint) {
  SocketAddress address;
  if (endpoint.ip.family == IpAddress::Family::V4) {
    auto& v4 = reinterpret_cast<::sockaddr_in&>(address.storage);
    v4.sin_family = AF_INET;
    v4.sin_port = htons(endpoint.port);
    std::memcpy(&v4.sin_addr, endpoint.ip.bytes.data(), sizeof v4.sin_addr);
    address.size = sizeof v4;
  } else {
    auto& v6 = reinterpret_cast<::sockaddr_in6&>(address.storage);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(endpoint.port);
    std::memcpy(&v6.sin6_addr, endpoint.ip.bytes.data(), sizeof v6.sin6_addr);
    address.size = sizeof v6;
  }
  return address;
}

SocketAddress make_address(const UnixEndpoint& endpoint) {
  SocketAddress address;
  auto& local = reinterpret_cast<::sockaddr_un&>(address.storage);
  local.sun_family = AF_UNIX;
  CHATGATE_ASSERT(endpoint.path.size() < sizeof local.sun_path);
  std::memcpy(local.sun_path, endpoint.path.c_str(), endpoint.path.size() + 1);
  address.size =
      static_cast<::socklen_t>(offsetof(::sockaddr_un, sun_path) + endpoint.path.size() + 1);
  return address;
}

// Options of the listening socket that accepted ones inherit, so that they cost no call there.
void set_inherited_tcp_options(int fd, const KeepaliveOptions& keepalive) {
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  // Urgent data stays where it was sent: telnet's Synch is an IAC with an urgent DM (RFC 854), and
  // without it the IAC would take the byte behind.
  set_option(fd, SOL_SOCKET, SO_OOBINLINE, 1);
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, static_cast<int>(keepalive.idle.count()));
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, static_cast<int>(keepalive.interval.count()));
  set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, keepalive.probes);
  set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(keepalive.user_timeout.count()));
}

UniqueFd bind_tcp(const TcpEndpoint& endpoint, bool reuse_port) {
  const bool is_v6 = endpoint.ip.family == IpAddress::Family::V6;
  auto socket = open_socket(is_v6 ? AF_INET6 : AF_INET);
  if (is_v6) set_option(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, 0);
  set_option(socket.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (reuse_port) set_option(socket.get(), SOL_SOCKET, SO_REUSEPORT, 1);
  const auto address = make_address(endpoint);
  if (::bind(socket.get(), address.get(), address.size) != 0) fail(errno, "bind");
  return socket;
}

std::uint16_t bound_port(int fd) {
  ::sockaddr_storage address{};
  ::socklen_t size = sizeof address;
  if (::getsockname(fd, reinterpret_cast<::sockaddr*>(&address), &size) != 0) {
    fail(errno, "getsockname");
  }
  return PeerAddress::from_sockaddr(address).port;
}

std::vector<UniqueFd> bind_tcp_shards(TcpEndpoint endpoint, std::uint32_t count) {
  std::vector<UniqueFd> sockets;
  // Without SO_REUSEPORT first: with it, another process of this user that has the port would
  // silently share its connections with us, instead of making us say that the port is taken.
  sockets.push_back(bind_tcp(endpoint, false));
  if (count == 1) return sockets;
  endpoint.port = bound_port(sockets.front().get());
  sockets.clear();
  while (sockets.size() < count) sockets.push_back(bind_tcp(endpoint, true));
  return sockets;
}

bool is_unspecified(const TcpEndpoint& endpoint) {
  return endpoint.ip == IpAddress{IpAddress::Family::V6, {}};
}

std::vector<UniqueFd> open_tcp(const TcpEndpoint& endpoint, std::uint32_t count) {
  try {
    return bind_tcp_shards(endpoint, count);
  } catch (const std::system_error& error) {
    const bool has_no_v6 =
        error.code().value() == EAFNOSUPPORT || error.code().value() == EADDRNOTAVAIL;
    if (!has_no_v6 || !is_unspecified(endpoint)) throw;
    return bind_tcp_shards({IpAddress{IpAddress::Family::V4, {}}, endpoint.port}, count);
  }
}

// A file left by a process that was killed refuses connections; only such a one may be removed. A
// full backlog (EAGAIN), a datagram socket (EPROTOTYPE) and one that is not for us (EACCES) live.
bool is_stale(const SocketAddress& address) {
  const auto probe = open_socket(AF_UNIX);
  return ::connect(probe.get(), address.get(), address.size) != 0 && errno == ECONNREFUSED;
}

void remove_stale_file(const UnixEndpoint& endpoint, const SocketAddress& address) {
  struct ::stat status {};
  if (::lstat(endpoint.path.c_str(), &status) != 0) return;
  if (!S_ISSOCK(status.st_mode)) fail(EEXIST, "not a socket");
  if (!is_stale(address)) fail(EADDRINUSE, "bind");
  ::unlink(endpoint.path.c_str());
}

UniqueFd open_unix(const UnixEndpoint& endpoint) {
  auto socket = open_socket(AF_UNIX);
  const auto address = make_address(endpoint);
  remove_stale_file(endpoint, address);
  // The file gets the mode of the socket's inode, so it is never wider than meant; the umask can
  // only narrow it, which chmod then undoes.
  if (::fchmod(socket.get(), kUnixSocketMode) != 0) fail(errno, "fchmod");
  if (::bind(socket.get(), address.get(), address.size) != 0) fail(errno, "bind");
  if (::chmod(endpoint.path.c_str(), kUnixSocketMode) != 0) fail(errno, "chmod");
  return socket;
}

int option_of(int fd, int name) {
  int value = 0;
  ::socklen_t size = sizeof value;
  if (::getsockopt(fd, SOL_SOCKET, name, &value, &size) != 0) fail(errno, "not a socket");
  return value;
}

// What a socket unit with another Listen…= or with Accept=yes passes.
void check_accepts_streams(int fd) {
  if (option_of(fd, SO_TYPE) == SOCK_DGRAM) {
    fail(EPROTOTYPE, "a datagram (UDP) socket; the socket unit needs ListenStream=");
  }
  if (option_of(fd, SO_TYPE) != SOCK_STREAM || option_of(fd, SO_ACCEPTCONN) == 0) {
    fail(EINVAL, "not a listening stream socket; the socket unit needs ListenStream=, Accept=no");
  }
}

std::string advice(int error) {
  switch (error) {
    case EADDRINUSE:
      return "another process listens there: ss -ltnp tells which";
    case EACCES:
      return "ports below 1024 need socket activation or CAP_NET_BIND_SERVICE, "
             "a Unix socket a writable folder";
    case EADDRNOTAVAIL:
      return "no interface of this machine has that address";
    case EEXIST:
      return "a file that is no socket is in the way";
    default:
      return "";
  }
}

}  // namespace

// Names what open_listening_sockets() needs of ListeningSocket's inside.
class ListeningSocketFactory {
 public:
  static ListeningSocket own(UniqueFd socket, std::uint32_t backlog) {
    if (::listen(socket.get(), static_cast<int>(backlog)) != 0) fail(errno, "listen");
    ListeningSocket listening;
    listening.socket_ = std::move(socket);
    return listening;
  }

  static ListeningSocket own_unix(const UnixEndpoint& endpoint, std::uint32_t backlog) {
    auto listening = own(open_unix(endpoint), backlog);
    struct ::stat status {};
    if (::lstat(endpoint.path.c_str(), &status) != 0) fail(errno, "lstat");
    listening.file_ = {endpoint.path, status.st_dev, status.st_ino};
    return listening;
  }

  static std::vector<ListeningSocket> borrow(const InheritedEndpoint& endpoint,
                                             const InheritedSockets& inherited,
                                             const KeepaliveOptions& keepalive) {
    std::vector<ListeningSocket> sockets;
    for (const int fd : inherited.find(endpoint.name)) {
      check_accepts_streams(fd);
      if (option_of(fd, SO_DOMAIN) != AF_UNIX) set_inherited_tcp_options(fd, keepalive);
      sockets.emplace_back().inherited_ = fd;
    }
    if (sockets.empty()) fail(ENOENT, describe(inherited));
    return sockets;
  }

 private:
  static std::string describe(const InheritedSockets& inherited) {
    std::string names;
    for (const auto& name : inherited.names()) names += (names.empty() ? "" : ", ") + name;
    return "no such inherited socket (passed: " + (names.empty() ? "none" : names) + ")";
  }
};

ListeningSocket& ListeningSocket::operator=(ListeningSocket&& other) noexcept {
  std::swap(socket_, other.socket_);
  std::swap(inherited_, other.inherited_);
  std::swap(file_, other.file_);
  return *this;
}

ListeningSocket::~ListeningSocket() {
  if (file_.path.empty()) return;
  struct ::stat status {};
  if (::lstat(file_.path.c_str(), &status) != 0) return;
  const bool is_ours = status.st_dev == file_.device && status.st_ino == file_.inode;
  if (is_ours) ::unlink(file_.path.c_str());
}

std::string ListeningSocket::address() const {
  if (!file_.path.empty()) return "unix:" + file_.path;
  ::sockaddr_storage address{};
  ::socklen_t size = sizeof address;
  if (::getsockname(fd(), reinterpret_cast<::sockaddr*>(&address), &size) != 0) return "?";
  if (address.ss_family == AF_UNIX) {
    return fmt::format("unix:{}", reinterpret_cast<const ::sockaddr_un&>(address).sun_path);
  }
  return to_text(PeerAddress::from_sockaddr(address));
}

std::vector<ListeningSocket> open_listening_sockets(const Endpoint& endpoint, std::uint32_t backlog,
                                                    std::uint32_t acceptors,
                                                    const KeepaliveOptions& keepalive,
                                                    const InheritedSockets& inherited) {
  try {
    std::vector<ListeningSocket> listening;
    if (const auto* tcp = std::get_if<TcpEndpoint>(&endpoint)) {
      for (auto& socket : open_tcp(*tcp, acceptors)) {
        set_inherited_tcp_options(socket.get(), keepalive);
        listening.push_back(ListeningSocketFactory::own(std::move(socket), backlog));
      }
    } else if (const auto* local = std::get_if<UnixEndpoint>(&endpoint)) {
      listening.push_back(ListeningSocketFactory::own_unix(*local, backlog));
    } else {
      const auto& name = std::get<InheritedEndpoint>(endpoint);
      listening = ListeningSocketFactory::borrow(name, inherited, keepalive);
    }
    return listening;
  } catch (const std::system_error& error) {
    const int code = error.code().value();
    const auto hint = advice(code);
    // what() is the step that failed, and the system's word for it, which the new error adds again.
    std::string step = error.what();
    if (const auto colon = step.rfind(": "); colon != std::string::npos) step.resize(colon);
    fail(code,
         fmt::format("cannot listen on {}: {}", to_text(endpoint), hint.empty() ? step : hint));
  }
}

}  // namespace chatgate::net
