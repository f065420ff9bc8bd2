#include "token_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chatgate/base/ascii.h>
#include <chatgate/net/unique_fd.h>

namespace chatgate::admin {
namespace {

constexpr std::size_t kTokenBytesMax = 4096;

base::Unexpected<std::string> useless(const std::string& path, std::string_view why) {
  return {fmt::format("admin.token_file {}: {}", path, why)};
}

// The bytes read, or -1 with errno.
::ssize_t read_fully(int fd, char* buffer, std::size_t size) {
  std::size_t filled = 0;
  while (filled < size) {
    const auto got = ::read(fd, buffer + filled, size - filled);
    if (got == 0) break;
    if (got < 0 && errno != EINTR) return -1;
    if (got > 0) filled += static_cast<std::size_t>(got);
  }
  return static_cast<::ssize_t>(filled);
}

bool is_visible(char c) { return c > ' ' && c < 0x7f; }

}  // namespace

base::Expected<Token, std::string> load_token(const std::string& path) {
  const auto explain = [&](int error) {
    return useless(path, std::generic_category().message(error));
  };
  // Opening a FIFO would wait for its writer otherwise.
  const net::UniqueFd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (!file) return explain(errno);
  struct ::stat status {};
  if (::fstat(file.get(), &status) != 0) return explain(errno);

  std::array<char, kTokenBytesMax + 1> buffer{};
  const auto size = read_fully(file.get(), buffer.data(), buffer.size());
  if (size < 0) return explain(errno);
  if (static_cast<std::size_t>(size) > kTokenBytesMax) {
    return useless(path, fmt::format("holds more than {} bytes", kTokenBytesMax));
  }
  const auto token = base::trim({buffer.data(), static_cast<std::size_t>(size)});
  if (token.empty()) return useless(path, "is empty; put a long random token into it");
  if (!std::ranges::all_of(token, is_visible)) {
    return useless(path, "must hold one line of visible ASCII without blanks");
  }
  if ((status.st_mode & S_IROTH) == 0) return Token{std::string{token}, {}};
  return Token{
      std::string{token},
      fmt::format("admin.token_file {}: everyone on this machine can read it; chmod o-r", path)};
}

}  // namespace chatgate::admin
