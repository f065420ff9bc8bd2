#include <algorithm>
#include <cstdlib>

#include <systemd/sd-daemon.h>
#include <time.h>

#include <chatgate/service/service_manager.h>

namespace chatgate::service {
namespace {

// systemd ignores a message of more than a page (NOTIFY_BUFFER_MAX); people read one line.
constexpr std::size_t kStatusBytesMax = 512;

bool is_set(const char* name) {
  return std::getenv(name) != nullptr;  // NOLINT(concurrency-mt-unsafe): the program sets none
}

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

}  // namespace

int notify_service_manager(const std::string& state) noexcept {
  const int result = ::sd_notify(/*unset_environment=*/0, state.c_str());
  return result < 0 ? -result : 0;
}

std::string status_state(std::string_view text) {
  auto size = std::min(text.size(), kStatusBytesMax);
  while (size > 0 && size < text.size() && continues_character(text[size])) --size;
  std::string line{text.substr(0, size)};
  // A newline would begin an assignment.
  std::ranges::replace_if(
      line, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return "STATUS=" + line;
}

std::string reloading_state() {
  ::timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const auto usec = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::seconds{now.tv_sec} + std::chrono::nanoseconds{now.tv_nsec});
  return "RELOADING=1\nMONOTONIC_USEC=" + std::to_string(usec.count());
}

std::string extend_timeout_state(std::chrono::microseconds time) {
  return "EXTEND_TIMEOUT_USEC=" + std::to_string(time.count());
}

std::chrono::nanoseconds watchdog_period() noexcept {
  std::uint64_t usec = 0;
  if (::sd_watchdog_enabled(/*unset_environment=*/0, &usec) <= 0) return {};
  return std::chrono::microseconds{usec};
}

bool is_unheard_service() noexcept { return is_set("INVOCATION_ID") && !is_set("NOTIFY_SOCKET"); }

}  // namespace chatgate::service
