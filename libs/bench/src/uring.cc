#include "uring.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>

#include <sys/mman.h>

namespace chatgate::bench {
namespace {

constexpr std::uint32_t kSubmissions = 4096;
constexpr std::uint32_t kCompletionsMax = 65536;

// Of <linux/io_uring.h> of Linux 6.11, for headers that are older.
constexpr int kOperationBind = 56;        // IORING_OP_BIND
constexpr std::uint32_t kSetsockopt = 3;  // SOCKET_URING_OP_SETSOCKOPT

}  // namespace

void check_uring(int result, const char* what) {
  if (result < 0) throw std::system_error{-result, std::generic_category(), what};
}

BufferRing::BufferRing(::io_uring& ring, std::uint32_t count) : ring_{ring}, count_{count} {
  void* const memory =
      ::mmap(nullptr, bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::system_error{errno, std::generic_category(), "mmap"};
  entries_ = static_cast<::io_uring_buf_ring*>(memory);
  memory_ = static_cast<char*>(memory) + entries_bytes();
  ::io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uint64_t>(memory);
  registration.ring_entries = count;
  registration.bgid = kGroup;
  if (const int error = ::io_uring_register_buf_ring(&ring, &registration, 0)) {
    ::munmap(memory, bytes());
    check_uring(error, "io_uring_register_buf_ring");
  }
  ::io_uring_buf_ring_init(entries_);
  for (std::uint32_t id = 0; id < count; ++id) give_back(id);
  publish();
}

BufferRing::~BufferRing() {
  ::io_uring_unregister_buf_ring(&ring_, kGroup);
  ::munmap(entries_, bytes());
}

Ring::Ring(std::size_t clients) {
  ::io_uring_params params{};
  params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE |
                 IORING_SETUP_CLAMP;
  params.cq_entries = static_cast<std::uint32_t>(
      std::clamp<std::size_t>(std::bit_ceil(clients * 2), 2 * kSubmissions, kCompletionsMax));
  check_uring(::io_uring_queue_init_params(kSubmissions, &ring_, &params), "io_uring_setup");
  ::io_uring_register_ring_fd(&ring_);  // Saves a little; may fail.
}

bool can_bind(::io_uring& ring) {
  const std::unique_ptr<::io_uring_probe, void (*)(::io_uring_probe*)> probe{
      ::io_uring_get_probe_ring(&ring), ::io_uring_free_probe};
  return probe && ::io_uring_opcode_supported(probe.get(), kOperationBind) != 0;
}

void prepare_setsockopt(::io_uring_sqe& entry, int socket, int level, int name, const int& value) {
  ::io_uring_prep_rw(IORING_OP_URING_CMD, &entry, socket, nullptr, 0, 0);
  entry.cmd_op = kSetsockopt;
  // The pair {level, optname} of newer headers, which lies in the place of the address.
  const std::array<std::uint32_t, 2> option{static_cast<std::uint32_t>(level),
                                            static_cast<std::uint32_t>(name)};
  static_assert(sizeof option == sizeof entry.addr);
  std::memcpy(&entry.addr, option.data(), sizeof option);
  entry.file_index = sizeof value;
  entry.addr3 = reinterpret_cast<std::uint64_t>(&value);
}

void prepare_bind(::io_uring_sqe& entry, int socket, const ::sockaddr_in& source) {
  ::io_uring_prep_rw(kOperationBind, &entry, socket, &source, 0, sizeof source);
}

}  // namespace chatgate::bench
