#include "log_sink.h"

#include "log_line.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <vector>

#include <poll.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

namespace chatgate::telemetry {
namespace {

// How soon a waiting sink learns that it has been retired.
constexpr int kWaitSliceMilliseconds = 50;

}  // namespace

void LogSink::log(const spdlog::details::log_msg& message) {
  if (write({message.payload.data(), message.payload.size()})) {
    counters_.written.add();
  } else {
    counters_.failed.add();
  }
}

bool LogSink::wait_writable(int fd) const {
  while (true) {
    pollfd waited{fd, POLLOUT, 0};
    if (::poll(&waited, 1, 0) > 0) return true;
    if (base::Clock::now() >= give_up_at_.load()) return false;
    ::poll(&waited, 1, kWaitSliceMilliseconds);
  }
}

DescriptorSink::~DescriptorSink() {
  if (ownership_ == Ownership::Owned) ::close(fd_);
}

bool DescriptorSink::write(std::string_view payload) {
  // What follows half a line would read as a part of it.
  if (line_torn_) line_torn_ = write_some("\n") != 1;
  if (line_torn_) return false;
  const auto written = write_some(payload);
  line_torn_ = written != 0 && written != payload.size();
  return written == payload.size();
}

std::size_t DescriptorSink::write_some(std::string_view bytes) const {
  std::size_t done = 0;
  while (done < bytes.size() && wait_writable(fd_)) {
    // A pipe that is writable takes PIPE_BUF bytes at once; more would block, and O_NONBLOCK is not
    // ours to set on a standard error that other processes share.
    const auto size = std::min<std::size_t>(bytes.size() - done, PIPE_BUF);
    const auto n = ::write(fd_, bytes.data() + done, size);
    if (n < 0 && errno != EINTR && errno != EAGAIN) break;
    if (n > 0) done += static_cast<std::size_t>(n);
  }
  return done;
}

JournalSink::~JournalSink() { ::close(journal_fd_); }

bool JournalSink::write(std::string_view payload) {
  if (!wait_writable(journal_fd_)) return false;
  std::vector<iovec> fields;
  while (!payload.empty()) {
    const auto field = take_journal_field(payload);
    fields.push_back({const_cast<char*>(field.data()), field.size()});
  }
  return ::sd_journal_sendv(fields.data(), static_cast<int>(fields.size())) >= 0;
}

}  // namespace chatgate::telemetry
