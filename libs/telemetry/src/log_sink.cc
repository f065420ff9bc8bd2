#include "log_sink.h"

#include "log_line.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <vector>

#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <chatgate/base/rest.h>

namespace chatgate::telemetry {
namespace {

// How soon a waiting sink learns that it has been retired.
constexpr int kWaitSliceMilliseconds = 50;

// How soon a program that ends learns that the journal has read its lines.
constexpr int kReadSliceMilliseconds = 1;

bool is_regular_file(int fd) noexcept {
  struct stat status {};
  return ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

}  // namespace

void LogSink::log(const spdlog::details::log_msg& message) {
  const bool has_more = context_.has_more();
  take({message.payload.data(), message.payload.size()}, has_more);
  if (!has_more && !is_retired()) base::rest(kRest);
}

void LogSink::count(std::uint64_t written, std::uint64_t failed) noexcept {
  context_.written.add(written);
  if (failed > 0) context_.failed.add(failed);
}

bool LogSink::wait_writable(int fd) const {
  while (true) {
    pollfd waited{fd, POLLOUT, 0};
    if (::poll(&waited, 1, 0) > 0) return true;
    if (has_given_up()) return false;
    ::poll(&waited, 1, kWaitSliceMilliseconds);
  }
}

DescriptorSink::DescriptorSink(int fd, Ownership ownership, SinkContext& context)
    : LogSink{context}, fd_{fd}, ownership_{ownership}, is_file_{is_regular_file(fd)} {}

DescriptorSink::~DescriptorSink() {
  write_batch();
  if (ownership_ == Ownership::Owned) ::close(fd_);
}

void DescriptorSink::take(std::string_view line, bool may_wait) {
  batch_ += line;
  ++lines_;
  if (!may_wait || batch_.size() >= kBatchBytes) write_batch();
}

void DescriptorSink::write_batch() {
  if (batch_.empty()) return;
  // What follows half a line would read as a part of it.
  if (line_torn_) line_torn_ = write_some("\n") != 1;
  const auto written = line_torn_ ? 0 : write_some(batch_);
  line_torn_ = line_torn_ || (written > 0 && batch_[written - 1] != '\n');
  // A line ends with the only LF in it.
  const auto whole =
      written == batch_.size()
          ? lines_
          : static_cast<std::uint64_t>(std::count(
                batch_.begin(), batch_.begin() + static_cast<std::ptrdiff_t>(written), '\n'));
  count(whole, lines_ - whole);
  lines_ = 0;
  batch_.clear();
  if (batch_.capacity() > 2 * kBatchBytes) batch_.shrink_to_fit();  // After a giant of a line.
}

std::size_t DescriptorSink::write_some(std::string_view bytes) const {
  std::size_t done = 0;
  while (done < bytes.size() && (is_file_ || wait_writable(fd_))) {
    // A pipe that is writable takes PIPE_BUF bytes at once; more would block, and O_NONBLOCK is not
    // ours to set on a standard error that other processes share.
    const auto left = bytes.size() - done;
    const auto size = is_file_ ? left : std::min<std::size_t>(left, PIPE_BUF);
    const auto n = ::write(fd_, bytes.data() + done, size);
    if (n < 0 && errno != EINTR && errno != EAGAIN) break;
    if (n > 0) done += static_cast<std::size_t>(n);
  }
  return done;
}

JournalSink::~JournalSink() { ::close(journal_fd_); }

void JournalSink::wait_until_read() const noexcept {
  // One that is empty says nothing to journald, and is read after all that were sent before it.
  if (::send(journal_fd_, nullptr, 0, MSG_DONTWAIT | MSG_NOSIGNAL) != 0) return;
  int unread = 0;
  while (::ioctl(journal_fd_, SIOCOUTQ, &unread) == 0 && unread > 0 && !has_given_up()) {
    ::poll(nullptr, 0, kReadSliceMilliseconds);
  }
}

void JournalSink::take(std::string_view line, bool /*may_wait*/) {
  const bool is_sent = send(line);
  count(is_sent ? 1 : 0, is_sent ? 0 : 1);
}

bool JournalSink::send(std::string_view event) const {
  if (!wait_writable(journal_fd_)) return false;
  std::vector<iovec> fields;
  while (!event.empty()) {
    const auto field = take_journal_field(event);
    fields.push_back({const_cast<char*>(field.data()), field.size()});
  }
  return ::sd_journal_sendv(fields.data(), static_cast<int>(fields.size())) >= 0;
}

}  // namespace chatgate::telemetry
