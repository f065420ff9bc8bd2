#include <chrono>

#include <systemd/sd-daemon.h>
#include <time.h>

#include <chatgate/service/service_manager.h>

namespace chatgate::service {

void notify_service_manager(const std::string& state) noexcept {
  ::sd_notify(/*unset_environment=*/0, state.c_str());
}

std::string reloading_state() {
  ::timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const auto usec = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::seconds{now.tv_sec} + std::chrono::nanoseconds{now.tv_nsec});
  return "RELOADING=1\nMONOTONIC_USEC=" + std::to_string(usec.count());
}

}  // namespace chatgate::service
