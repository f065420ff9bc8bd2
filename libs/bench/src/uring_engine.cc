#include "engine.h"
#include "uring.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <vector>

#include <liburing.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <chatgate/base/assert.h>
#include <chatgate/net/unique_fd.h>

namespace chatgate::bench {
namespace {

constexpr std::chrono::nanoseconds kGather = std::chrono::microseconds{50};

/// What a completion is of. In the low bits of its user data, below client and generation.
enum class Kind : std::uint8_t { Ignored, Receive, Send, Connect };

struct Socket {
  int fd = -1;                   // Of the ring's table when the engine is direct.
  std::uint32_t generation = 0;  // Of the slot's connection: completions of older ones are stale.
  bool tell_connected = false;
  bool receiving = false;  // A receive is with the kernel.
};

class UringEngine final : public Engine {
 public:
  UringEngine(const Route& route, std::size_t clients);
  ~UringEngine() override;

  EngineKind kind() const override { return EngineKind::IoUring; }
  int open(ClientId client, bool tell_connected) override;
  void send(ClientId client, std::string_view bytes) override;
  void close(ClientId client) override;
  void wait(std::chrono::nanoseconds timeout, unsigned wanted, EngineEvents& events) override;

 private:
  static constexpr unsigned kKindBits = 2;
  static constexpr unsigned kClientBits = 30;

  bool gather(unsigned wanted);
  ::io_uring_sqe& next_entry();
  std::uint64_t tag(ClientId client, Kind kind) const;
  ::io_uring_sqe& prepared(::io_uring_sqe& entry, ClientId client, Kind kind) const;
  void open_in_ring(ClientId client, bool tell_connected);
  void bind_in_ring(ClientId client);
  void receive(ClientId client);
  void on_completion(const ::io_uring_cqe& completion, EngineEvents& events);
  void on_received(ClientId client, const ::io_uring_cqe& completion, EngineEvents& events);
  void on_connected(ClientId client, int ready, EngineEvents& events);
  void fail(ClientId client, int error, EngineEvents& events);

  const Route route_;
  Ring ring_;
  // The ring makes the sockets, in a table of its own, binds and connects them: a system call less
  // for each step. It would queue for the full backlog of a Unix socket.
  const bool direct_;
  BufferRing buffers_;
  std::vector<Socket> sockets_;
  std::vector<::sockaddr_in> sources_;
  std::uint64_t opened_ = 0;
};

UringEngine::UringEngine(const Route& route, std::size_t clients)
    : route_{route},
      ring_{clients},
      direct_{!route.no_delay && route.target.address.ss_family != AF_UNIX &&
              (route.sources == 1 || can_bind(ring_.get()))},
      buffers_{ring_.get(), static_cast<std::uint32_t>(
                                std::clamp<std::size_t>(std::bit_ceil(clients), 64, 1024))},
      sockets_(clients) {
  if (!direct_) return;
  check_uring(::io_uring_register_files_sparse(&ring_.get(), static_cast<unsigned>(clients)),
              "io_uring_register_files_sparse");
  for (std::uint32_t i = 0; i < route.sources; ++i) sources_.push_back(source_address(i));
}

UringEngine::~UringEngine() {
  ::io_uring_submit(&ring_.get());  // Closes may wait there.
  for (auto& socket : sockets_) {
    if (socket.fd >= 0 && !direct_) ::close(socket.fd);
  }
}

::io_uring_sqe& UringEngine::next_entry() {
  auto* entry = ::io_uring_get_sqe(&ring_.get());
  if (entry == nullptr) [[unlikely]] {
    ::io_uring_submit(&ring_.get());
    entry = ::io_uring_get_sqe(&ring_.get());
    CHATGATE_ASSERT(entry != nullptr);
  }
  return *entry;
}

std::uint64_t UringEngine::tag(ClientId client, Kind kind) const {
  return static_cast<std::uint64_t>(sockets_[client].generation) << (kKindBits + kClientBits) |
         static_cast<std::uint64_t>(client) << kKindBits | static_cast<std::uint64_t>(kind);
}

::io_uring_sqe& UringEngine::prepared(::io_uring_sqe& entry, ClientId client, Kind kind) const {
  ::io_uring_sqe_set_data64(&entry, tag(client, kind));
  if (direct_) entry.flags |= IOSQE_FIXED_FILE;
  return entry;
}

int UringEngine::open(ClientId client, bool tell_connected) {
  auto& socket = sockets_[client];
  CHATGATE_ASSERT(socket.fd < 0);
  if (direct_) {
    open_in_ring(client, tell_connected);
    return 0;
  }
  net::UniqueFd fd{make_client_socket(route_, opened_++)};
  if (!fd) return errno;
  // One call, where the ring would poll as well.
  if (::connect(fd.get(), route_.target.get(), route_.target.length) != 0 && errno != EINPROGRESS) {
    return errno;
  }
  socket.fd = fd.release();
  ++socket.generation;
  if (tell_connected) {
    // Of a connection that is under way the ring only waits for its end.
    auto& entry = next_entry();
    ::io_uring_prep_poll_add(&entry, socket.fd, POLLOUT);
    prepared(entry, client, Kind::Connect);
  } else {
    receive(client);
  }
  return 0;
}

// In their order, each begun before the next: not a chain, which would wait for each to end.
void UringEngine::open_in_ring(ClientId client, bool tell_connected) {
  auto& socket = sockets_[client];
  socket.fd = static_cast<int>(client);
  ++socket.generation;
  auto& creation = next_entry();
  ::io_uring_prep_socket_direct(&creation, route_.target.address.ss_family, SOCK_STREAM, 0, client,
                                0);
  creation.flags |= IOSQE_CQE_SKIP_SUCCESS;
  ::io_uring_sqe_set_data64(&creation, tag(client, Kind::Connect));
  if (route_.sources > 1) bind_in_ring(client);
  auto& connection = next_entry();
  ::io_uring_prep_connect(&connection, socket.fd, route_.target.get(), route_.target.length);
  prepared(connection, client, Kind::Connect);
  if (tell_connected) return;
  connection.flags |= IOSQE_CQE_SKIP_SUCCESS;
  receive(client);
}

// As make_client_socket() does it.
void UringEngine::bind_in_ring(ClientId client) {
  static constexpr int kOn = 1;
  const auto fd = static_cast<int>(client);
  auto& option = next_entry();
  prepare_setsockopt(option, fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, kOn);
  prepared(option, client, Kind::Connect).flags |= IOSQE_CQE_SKIP_SUCCESS;
  auto& binding = next_entry();
  const auto& source = sources_[opened_++ % sources_.size()];
  prepare_bind(binding, fd, source);
  prepared(binding, client, Kind::Connect).flags |= IOSQE_CQE_SKIP_SUCCESS;
}

// A brief client is closed after a few receives: one that stays with the kernel would have to be
// cancelled, which costs more than asking anew.
void UringEngine::receive(ClientId client) {
  auto& socket = sockets_[client];
  auto& entry = next_entry();
  if (route_.brief) {
    ::io_uring_prep_recv(&entry, socket.fd, nullptr, 0, 0);
  } else {
    ::io_uring_prep_recv_multishot(&entry, socket.fd, nullptr, 0, 0);
  }
  entry.ioprio |= IORING_RECVSEND_POLL_FIRST;
  entry.flags |= IOSQE_BUFFER_SELECT;
  entry.buf_group = BufferRing::kGroup;
  prepared(entry, client, Kind::Receive);
  socket.receiving = true;
}

void UringEngine::send(ClientId client, std::string_view bytes) {
  auto& socket = sockets_[client];
  auto& entry = next_entry();
  // The kernel sends all of it before it tells, and tells only what went wrong.
  ::io_uring_prep_send(&entry, socket.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_WAITALL);
  entry.flags |= IOSQE_CQE_SKIP_SUCCESS;
  prepared(entry, client, Kind::Send);
}

// In the ring, so that it stays behind what is being submitted for the socket.
void UringEngine::close(ClientId client) {
  auto& socket = sockets_[client];
  if (socket.receiving) {
    auto& cancel = next_entry();
    ::io_uring_prep_cancel64(&cancel, tag(client, Kind::Receive), 0);
    cancel.flags |= IOSQE_CQE_SKIP_SUCCESS;
    ::io_uring_sqe_set_data64(&cancel, 0);
  }
  auto& entry = next_entry();
  if (direct_) {
    ::io_uring_prep_close_direct(&entry, client);
  } else {
    ::io_uring_prep_close(&entry, socket.fd);
  }
  entry.flags |= IOSQE_CQE_SKIP_SUCCESS;
  ::io_uring_sqe_set_data64(&entry, 0);
  socket.fd = -1;
  socket.receiving = false;
  ++socket.generation;
}

// A thread that sleeps and wakes for each event spends a third of its time on that.
bool UringEngine::gather(unsigned wanted) {
  ::__kernel_timespec most{.tv_sec = 0, .tv_nsec = kGather.count()};
  ::io_uring_cqe* first = nullptr;
  ::io_uring_submit_and_wait_timeout(&ring_.get(), &first, wanted, &most, nullptr);
  return ::io_uring_cq_ready(&ring_.get()) > 0;
}

void UringEngine::wait(std::chrono::nanoseconds timeout, unsigned wanted, EngineEvents& events) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(timeout);
  ::__kernel_timespec most{.tv_sec = seconds.count(), .tv_nsec = (timeout - seconds).count()};
  ::io_uring_cqe* first = nullptr;
  if (wanted <= 1 || !gather(wanted)) {
    ::io_uring_submit_and_wait_timeout(&ring_.get(), &first, 1, &most, nullptr);
  }
  events.on_wake();
  unsigned head = 0;
  unsigned count = 0;
  ::io_uring_cqe* completion = nullptr;
  io_uring_for_each_cqe(&ring_.get(), head, completion) {
    ++count;
    on_completion(*completion, events);
  }
  buffers_.publish();
  ::io_uring_cq_advance(&ring_.get(), count);
}

void UringEngine::on_completion(const ::io_uring_cqe& completion, EngineEvents& events) {
  const auto client = static_cast<ClientId>(completion.user_data >> kKindBits &
                                            ((std::uint64_t{1} << kClientBits) - 1));
  const auto kind = static_cast<Kind>(completion.user_data & ((1U << kKindBits) - 1));
  const bool stale = kind == Kind::Ignored || completion.user_data != tag(client, kind);
  if (kind == Kind::Receive && !stale) {
    on_received(client, completion, events);
  } else if (kind == Kind::Connect && !stale) {
    on_connected(client, completion.res, events);
  } else if (kind == Kind::Send && !stale && completion.res < 0) {
    fail(client, -completion.res, events);
  }
  if ((completion.flags & IORING_CQE_F_BUFFER) != 0) {
    buffers_.give_back(completion.flags >> IORING_CQE_BUFFER_SHIFT);
  }
}

void UringEngine::on_received(ClientId client, const ::io_uring_cqe& completion,
                              EngineEvents& events) {
  auto& socket = sockets_[client];
  if ((completion.flags & IORING_CQE_F_MORE) == 0) socket.receiving = false;
  if (completion.res > 0) {
    const auto generation = socket.generation;
    events.on_received(client, {buffers_.buffer(completion.flags >> IORING_CQE_BUFFER_SHIFT),
                                static_cast<std::size_t>(completion.res)});
    if (socket.generation != generation) return;
  } else if (completion.res != -ENOBUFS) {
    return fail(client, -completion.res, events);
  }
  if (!socket.receiving) receive(client);
}

void UringEngine::on_connected(ClientId client, int ready, EngineEvents& events) {
  const auto& socket = sockets_[client];
  int error = 0;
  if (ready < 0) {
    error = -ready;
  } else if (!direct_ && (ready & (POLLERR | POLLHUP)) != 0) {
    ::socklen_t length = sizeof error;
    if (::getsockopt(socket.fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0) error = errno;
  }
  if (error != 0) return fail(client, error, events);
  receive(client);
  events.on_connected(client);
}

void UringEngine::fail(ClientId client, int error, EngineEvents& events) {
  close(client);
  events.on_closed(client, error);
}

}  // namespace

std::unique_ptr<Engine> make_uring_engine(const Route& route, std::size_t clients) {
  return std::make_unique<UringEngine>(route, clients);
}

}  // namespace chatgate::bench
