#pragma once

#include <functional>
#include <string>

#include <chatgate/net/alarm.h>
#include <chatgate/net/event_loop.h>
#include <chatgate/net/unique_fd.h>

namespace chatgate::service {

/// Tells when a configuration file was replaced or written (inotify(7)).
///
/// Watches the file's folder, because editors and Kubernetes replace files: a ConfigMap's entry is
/// a symbolic link through a link `..data` that is swapped. A burst of changes is told once, after
/// half a second of quiet.
///
/// Threads: confined to `loop`, `on_change` included. Errors: throws std::system_error.
class ConfigWatch final : private net::ReadySet::Handler {
 public:
  ConfigWatch(net::EventLoop& loop, const std::string& file, std::function<void()> on_change);
  ~ConfigWatch();
  ConfigWatch(const ConfigWatch&) = delete;
  ConfigWatch& operator=(const ConfigWatch&) = delete;

 private:
  void on_ready(std::uint32_t events) override;

  net::EventLoop& loop_;
  const std::string name_;  // Of the file, in its folder.
  const std::function<void()> on_change_;
  net::UniqueFd inotify_;
  net::Alarm quiet_;
};

}  // namespace chatgate::service
