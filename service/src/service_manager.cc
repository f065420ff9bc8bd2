#include <systemd/sd-daemon.h>

#include <chatgate/service/service_manager.h>

namespace chatgate::service {

void notify_service_manager(const std::string& state) noexcept {
  ::sd_notify(/*unset_environment=*/0, state.c_str());
}

}  // namespace chatgate::service
