#pragma once

#include <cstddef>
#include <cstdint>

#include <liburing.h>
#include <netinet/in.h>

namespace chatgate::bench {

/// Throws std::system_error if `result` is a negative errno, as liburing returns it.
void check_uring(int result, const char* what);

/// A ring of one thread, with room for the completions of `clients` clients.
///
/// Errors: throws std::system_error when the kernel refuses it.
class Ring {
 public:
  explicit Ring(std::size_t clients);
  ~Ring() { ::io_uring_queue_exit(&ring_); }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  ::io_uring& get() { return ring_; }

 private:
  ::io_uring ring_{};
};

/// Memory that the kernel takes from when bytes come (io_uring_register_buf_ring(3)): `count`
/// buffers, a power of two. A buffer that came with a completion is given back, then published.
///
/// Errors: throws std::system_error when the kernel refuses it.
class BufferRing {
 public:
  static constexpr std::size_t kBufferBytes = 4096;
  static constexpr int kGroup = 0;

  BufferRing(::io_uring& ring, std::uint32_t count);
  ~BufferRing();
  BufferRing(const BufferRing&) = delete;
  BufferRing& operator=(const BufferRing&) = delete;

  const char* buffer(std::uint32_t id) const { return memory_ + id * kBufferBytes; }
  void give_back(std::uint32_t id) {
    ::io_uring_buf_ring_add(entries_, memory_ + id * kBufferBytes, kBufferBytes,
                            static_cast<unsigned short>(id), static_cast<int>(count_ - 1),
                            returned_++);
  }
  void publish() {
    ::io_uring_buf_ring_advance(entries_, returned_);
    returned_ = 0;
  }

 private:
  std::size_t entries_bytes() const { return count_ * sizeof(::io_uring_buf); }
  std::size_t bytes() const { return entries_bytes() + count_ * kBufferBytes; }

  ::io_uring& ring_;
  const std::uint32_t count_;
  ::io_uring_buf_ring* entries_ = nullptr;
  char* memory_ = nullptr;
  int returned_ = 0;
};

/// Whether prepare_bind() is known to the kernel (Linux 6.11), and with it prepare_setsockopt().
bool can_bind(::io_uring& ring);

/// setsockopt(2) and bind(2) of a socket of the ring's table. `value` and `source` stay where they
/// are until the entry is submitted.
void prepare_setsockopt(::io_uring_sqe& entry, int socket, int level, int name, const int& value);
void prepare_bind(::io_uring_sqe& entry, int socket, const ::sockaddr_in& source);

}  // namespace chatgate::bench
