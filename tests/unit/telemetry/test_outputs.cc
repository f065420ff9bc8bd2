#include "test_outputs.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <fcntl.h>
#include <unistd.h>

#include <chatgate/base/assert.h>

namespace chatgate::telemetry {

TemporaryFolder::TemporaryFolder() {
  auto pattern = (std::filesystem::temp_directory_path() / "telemetry-XXXXXX").string();
  CHATGATE_ASSERT(::mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Pipe::Pipe(int capacity) {
  CHATGATE_ASSERT(::pipe2(ends_, O_CLOEXEC) == 0);
  CHATGATE_ASSERT(::fcntl(ends_[1], F_SETPIPE_SZ, capacity) >= 0);
  CHATGATE_ASSERT(::fcntl(ends_[0], F_SETFL, O_NONBLOCK) == 0);
}

Pipe::~Pipe() {
  close_read_end();
  ::close(ends_[1]);
}

void Pipe::close_read_end() {
  if (ends_[0] >= 0) ::close(ends_[0]);
  ends_[0] = -1;
}

std::string Pipe::take() const {
  std::string taken;
  while (true) {
    const auto piece = take_packet();
    if (piece.empty()) return taken;
    taken += piece;
  }
}

std::string Pipe::take_packet() const {
  std::array<char, 4096> piece{};
  const auto n = ::read(ends_[0], piece.data(), piece.size());
  return {piece.data(), static_cast<std::size_t>(std::max<ssize_t>(n, 0))};
}

StandardErrorTo::StandardErrorTo(int fd) : saved_{::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)} {
  CHATGATE_ASSERT(::dup2(fd, STDERR_FILENO) == STDERR_FILENO);
}

StandardErrorTo::~StandardErrorTo() {
  ::dup2(saved_, STDERR_FILENO);
  ::close(saved_);
}

std::string read_file(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

}  // namespace chatgate::telemetry
