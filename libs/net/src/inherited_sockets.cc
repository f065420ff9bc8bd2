#include <fcntl.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>

#include <chatgate/net/listening_socket.h>

namespace chatgate::net {

InheritedSockets InheritedSockets::take_from_environment() {
  InheritedSockets inherited;
  char** names = nullptr;
  const int count = ::sd_listen_fds_with_names(/*unset_environment=*/1, &names);
  for (int i = 0; i < count; ++i) {
    const int fd = SD_LISTEN_FDS_START + i;
    // The service manager passes the flags of its own end; ours must never block.
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
    inherited.sockets_.emplace(names[i], UniqueFd{fd});
    ::free(names[i]);
  }
  ::free(names);
  return inherited;
}

std::vector<int> InheritedSockets::find(const std::string& name) const {
  std::vector<int> found;
  const auto [first, last] = sockets_.equal_range(name);
  for (auto socket = first; socket != last; ++socket) found.push_back(socket->second.get());
  return found;
}

std::vector<std::string> InheritedSockets::names() const {
  std::vector<std::string> names;
  for (const auto& [name, socket] : sockets_) names.push_back(name);
  return names;
}

}  // namespace chatgate::net
