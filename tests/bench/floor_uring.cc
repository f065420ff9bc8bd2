// The second yardstick: the work of floor.cc on io_uring. Each socket is read by one multishot
// receive into buffers that the ring picks; replies, closes and re-arming go to the kernel in the
// same system call that waits. A client that does not read its replies is dropped.

#include "floor_server.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <liburing.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>

namespace chatgate::bench {
namespace {

constexpr unsigned kQueueEntries = 1024;
constexpr unsigned kCompletionEntries = 8192;
constexpr unsigned kBuffers = 1024;  // A power of two.
constexpr unsigned kBufferBytes = 4096;
constexpr int kBufferGroup = 0;
constexpr std::size_t kOutputBytes = 1U << 20U;
constexpr rlim_t kClientsMax = 65'536;

enum class Operation : std::uint32_t { Accept, Receive, Send, Shutdown, Close };

/// What belongs to a place in the ring's own table of files. A client is the number of its place.
struct Client {
  std::string tail;  // The beginning of a line whose end has not come yet.
  bool is_welcome = false;
};

// liburing answers with a negative errno.
int accepted_by_ring(int result, const char* what) {
  if (result < 0) throw std::system_error{-result, std::generic_category(), what};
  return result;
}

/// Receive buffers that the kernel takes from one ring of its own.
class BufferRing {
 public:
  explicit BufferRing(io_uring& ring);
  std::string_view buffer(unsigned id, std::size_t size) const {
    return {bytes_.get() + std::size_t{id} * kBufferBytes, size};
  }
  void give_back(unsigned id) {
    ::io_uring_buf_ring_add(ring_, bytes_.get() + std::size_t{id} * kBufferBytes, kBufferBytes,
                            static_cast<unsigned short>(id), kBuffers - 1, returned_++);
  }
  /// Shows the kernel what was given back.
  void publish() {
    if (returned_ > 0) ::io_uring_buf_ring_advance(ring_, std::exchange(returned_, 0));
  }

 private:
  const std::unique_ptr<char[]> bytes_ = std::make_unique<char[]>(kBuffers * kBufferBytes);
  io_uring_buf_ring* ring_ = nullptr;
  int returned_ = 0;
};

BufferRing::BufferRing(io_uring& ring) {
  void* memory = ::mmap(nullptr, kBuffers * sizeof(io_uring_buf), PROT_READ | PROT_WRITE,
                        MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
  if (memory == MAP_FAILED) checked(-1, "mmap");
  ring_ = static_cast<io_uring_buf_ring*>(memory);
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uintptr_t>(memory);
  registration.ring_entries = kBuffers;
  registration.bgid = kBufferGroup;
  accepted_by_ring(::io_uring_register_buf_ring(&ring, &registration, 0), "buffer ring");
  ::io_uring_buf_ring_init(ring_);
  for (unsigned id = 0; id < kBuffers; ++id) give_back(id);
  publish();
}

/// A ring for the thread that makes it, in the cheapest mode that the kernel has.
io_uring make_ring() {
  io_uring ring{};
  for (const unsigned mode :
       {IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN, IORING_SETUP_COOP_TASKRUN, 0U}) {
    io_uring_params parameters{};
    parameters.flags = mode | IORING_SETUP_CQSIZE;
    parameters.cq_entries = kCompletionEntries;
    const int result = ::io_uring_queue_init_params(kQueueEntries, &ring, &parameters);
    if (result == -EINVAL) continue;  // A kernel that does not know the mode.
    accepted_by_ring(result, "io_uring_setup");
    accepted_by_ring(::io_uring_register_ring_fd(&ring), "ring descriptor");
    return ring;
  }
  accepted_by_ring(-EINVAL, "io_uring_setup");
  return ring;
}

/// One thread's ring, its clients, and scratch memory for replies that were not submitted yet.
class Loop {
 public:
  explicit Loop(int listener);
  [[noreturn]] void run();

 private:
  io_uring_sqe& prepare(Operation operation, std::uint32_t client);
  void accept();
  void receive(std::uint32_t client);
  void send(std::uint32_t client, std::string_view text);
  void drop(std::uint32_t client);
  void close(std::uint32_t client);

  void on_completion(const io_uring_cqe& completion);
  void on_accepted(const io_uring_cqe& completion);
  void on_received(std::uint32_t client, const io_uring_cqe& completion);
  void reply(std::uint32_t client, std::string_view bytes);

  const int listener_;
  io_uring ring_ = make_ring();
  BufferRing buffers_{ring_};
  std::vector<Client> clients_;
  const std::unique_ptr<char[]> output_ = std::make_unique<char[]>(kOutputBytes);
  char* output_end_ = output_.get();
};

Loop::Loop(int listener) : listener_{listener} {
  ::rlimit limit{};
  checked(::getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
  clients_.resize(std::min(limit.rlim_cur, kClientsMax));
  accepted_by_ring(::io_uring_register_files_sparse(&ring_, static_cast<unsigned>(clients_.size())),
                   "file table");
}

void Loop::run() {
  accept();
  while (true) {
    const int result = ::io_uring_submit_and_wait(&ring_, 1);
    if (result != -EINTR) accepted_by_ring(result, "io_uring_enter");
    output_end_ = output_.get();  // A send that does not wait is over when it was submitted.
    unsigned head = 0;
    unsigned seen = 0;
    const io_uring_cqe* completion = nullptr;
    io_uring_for_each_cqe(&ring_, head, completion) {
      ++seen;
      on_completion(*completion);
    }
    ::io_uring_cq_advance(&ring_, seen);
    buffers_.publish();
  }
}

io_uring_sqe& Loop::prepare(Operation operation, std::uint32_t client) {
  io_uring_sqe* entry = ::io_uring_get_sqe(&ring_);
  if (entry == nullptr) {
    accepted_by_ring(::io_uring_submit(&ring_), "io_uring_enter");
    entry = ::io_uring_get_sqe(&ring_);
  }
  // io_uring_prep_*() leaves it alone.
  entry->user_data = std::uint64_t{static_cast<std::uint32_t>(operation)} << 32U | client;
  return *entry;
}

void Loop::accept() {
  auto& entry = prepare(Operation::Accept, 0);
  ::io_uring_prep_multishot_accept_direct(&entry, listener_, nullptr, nullptr, 0);
}

void Loop::receive(std::uint32_t client) {
  auto& entry = prepare(Operation::Receive, client);
  ::io_uring_prep_recv_multishot(&entry, static_cast<int>(client), nullptr, 0, 0);
  entry.flags |= IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT;
  entry.buf_group = kBufferGroup;
}

// With MSG_WAITALL, sending less than everything counts as a failure, which alone is completed.
void Loop::send(std::uint32_t client, std::string_view text) {
  auto& entry = prepare(Operation::Send, client);
  ::io_uring_prep_send(&entry, static_cast<int>(client), text.data(), text.size(),
                       MSG_DONTWAIT | MSG_WAITALL | MSG_NOSIGNAL);
  entry.flags |= IOSQE_FIXED_FILE | IOSQE_CQE_SKIP_SUCCESS;
}

// Its receive ends with that, and closes.
void Loop::drop(std::uint32_t client) {
  clients_[client].is_welcome = false;
  auto& entry = prepare(Operation::Shutdown, client);
  ::io_uring_prep_shutdown(&entry, static_cast<int>(client), SHUT_RDWR);
  entry.flags |= IOSQE_FIXED_FILE | IOSQE_CQE_SKIP_SUCCESS;
}

void Loop::close(std::uint32_t client) {
  clients_[client].is_welcome = false;
  auto& entry = prepare(Operation::Close, client);
  ::io_uring_prep_close_direct(&entry, client);
  entry.flags |= IOSQE_CQE_SKIP_SUCCESS;
}

void Loop::on_completion(const io_uring_cqe& completion) {
  const auto client = static_cast<std::uint32_t>(completion.user_data);
  switch (static_cast<Operation>(completion.user_data >> 32U)) {
    case Operation::Accept:
      return on_accepted(completion);
    case Operation::Receive:
      return on_received(client, completion);
    case Operation::Send:
      if (clients_[client].is_welcome) drop(client);
      return;
    case Operation::Shutdown:
    case Operation::Close:
      return;
  }
}

void Loop::on_accepted(const io_uring_cqe& completion) {
  if (completion.res == -ENFILE || completion.res == -EMFILE) {
    accepted_by_ring(completion.res, "accept");
  }
  if ((completion.flags & IORING_CQE_F_MORE) == 0) accept();
  if (completion.res < 0) return;
  const auto client = static_cast<std::uint32_t>(completion.res);
  clients_[client].is_welcome = true;
  clients_[client].tail.clear();
  send(client, kGreeting);
  receive(client);
}

void Loop::on_received(std::uint32_t client, const io_uring_cqe& completion) {
  if (completion.res > 0) {
    const auto id = completion.flags >> IORING_CQE_BUFFER_SHIFT;
    const auto bytes = buffers_.buffer(id, static_cast<std::size_t>(completion.res));
    if (clients_[client].is_welcome) reply(client, bytes);
    buffers_.give_back(id);
  }
  if ((completion.flags & IORING_CQE_F_MORE) != 0) return;
  const bool has_ended = completion.res <= 0 && completion.res != -ENOBUFS;
  if (has_ended || !clients_[client].is_welcome) {
    close(client);
  } else {
    receive(client);
  }
}

void Loop::reply(std::uint32_t client, std::string_view bytes) {
  if (output_end_ + replies_max(kBufferBytes) > output_.get() + kOutputBytes) {
    accepted_by_ring(::io_uring_submit(&ring_), "io_uring_enter");
    output_end_ = output_.get();
  }
  auto& tail = clients_[client].tail;
  const char* begin = output_end_;
  output_end_ = reply_to_lines(tail, bytes, output_end_);
  if (output_end_ != begin) {
    send(client, {begin, static_cast<std::size_t>(output_end_ - begin)});
  }
  if (tail.size() > kTailMax) drop(client);
}

}  // namespace
}  // namespace chatgate::bench

int main(int argc, char** argv) {
  using namespace chatgate::bench;
  // Containers refuse io_uring by default: say so before anybody connects.
  io_uring ring{};
  if (const int result = ::io_uring_queue_init(1, &ring, 0); result < 0) {
    fmt::print(stderr, "{}: io_uring_setup: {}\n", argv[0],
               std::generic_category().message(-result));
    return 71;
  }
  ::io_uring_queue_exit(&ring);
  return run_floor(argc, argv, [](int listener) { Loop{listener}.run(); });
}
