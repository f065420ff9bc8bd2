#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <chatgate/service/config_watch.h>

namespace chatgate::service {
namespace {

constexpr std::chrono::milliseconds kQuiet{500};
constexpr std::uint32_t kEvents = IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE;
// What Kubernetes swaps when a ConfigMap changes (atomic_writer.go).
constexpr std::string_view kDataLink = "..data";

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error{errno, std::generic_category(), what};
}

}  // namespace

ConfigWatch::ConfigWatch(net::EventLoop& loop, const std::string& file,
                         std::function<void()> on_change)
    : loop_{loop},
      name_{std::filesystem::path{file}.filename()},
      on_change_{std::move(on_change)},
      inotify_{::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)},
      quiet_{loop} {
  if (!inotify_) fail("inotify_init1");
  const auto folder = std::filesystem::absolute(file).parent_path();
  if (::inotify_add_watch(inotify_.get(), folder.c_str(), kEvents) < 0) {
    fail("cannot watch " + folder.string());
  }
  if (const auto error = loop_.ready_set().add(inotify_.get(), EPOLLIN, *this)) {
    throw std::system_error{error, "cannot await inotify"};
  }
}

ConfigWatch::~ConfigWatch() { loop_.ready_set().remove(*this); }

void ConfigWatch::on_ready(std::uint32_t /*events*/) {
  alignas(::inotify_event) std::array<char, 4096> buffer;
  bool is_ours = false;
  const auto size = ::read(inotify_.get(), buffer.data(), buffer.size());
  for (std::ptrdiff_t at = 0; at < size;) {
    const auto& event = *reinterpret_cast<const ::inotify_event*>(buffer.data() + at);
    const std::string_view name = event.len > 0 ? event.name : "";
    is_ours = is_ours || name == name_ || name == kDataLink;
    at += static_cast<std::ptrdiff_t>(sizeof event + event.len);
  }
  if (!is_ours) return;
  quiet_.set(base::Clock::now() + kQuiet, on_change_);
}

}  // namespace chatgate::service
