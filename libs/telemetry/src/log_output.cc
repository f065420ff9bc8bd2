#include "log_output.h"

#include <cerrno>
#include <cstdlib>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace chatgate::telemetry {
namespace {

constexpr char kJournalSocket[] = "/run/systemd/journal/socket";
constexpr mode_t kFileMode = 0640;  // Peers' addresses are nobody else's business.

base::Unexpected<std::string> cannot(std::string_view verb, std::string_view path) {
  const auto reason = std::generic_category().message(errno);
  return {fmt::format("cannot {} {}: {}", verb, path, reason)};
}

base::Expected<LogOutput, std::string> open_file(const std::string& path, SinkContext& context) {
  if (!path.starts_with('/')) {
    return base::Unexpected{fmt::format("file:{} is not an absolute path", path)};
  }
  // O_NONBLOCK: a FIFO that nobody reads is an error here, where open(2) would wait for a reader.
  const int fd = ::open(
      path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, kFileMode);
  if (fd < 0) return cannot("open", path);
  return LogOutput{std::make_shared<DescriptorSink>(fd, DescriptorSink::Ownership::Owned, context),
                   Envelope::Timed};
}

LogOutput open_stdout(SinkContext& context) {
  return {
      std::make_shared<DescriptorSink>(STDOUT_FILENO, DescriptorSink::Ownership::Borrowed, context),
      Envelope::Timed};
}

base::Expected<LogOutput, std::string> open_journal(SinkContext& context) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  static_assert(sizeof kJournalSocket <= sizeof address.sun_path);
  std::copy(std::begin(kJournalSocket), std::end(kJournalSocket), address.sun_path);

  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return cannot("make a socket for", kJournalSocket);
  // sd_journal_sendv(3) succeeds silently where there is no journal.
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    auto error = cannot("connect to", kJournalSocket);
    ::close(fd);
    return error;
  }
  return LogOutput{std::make_shared<JournalSink>(fd, context), Envelope::Journal};
}

}  // namespace

// The variable is inherited by children whose standard error may be another file.
bool stderr_is_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");  // NOLINT(concurrency-mt-unsafe): never set
  struct stat status {};
  if (stream == nullptr || ::fstat(STDERR_FILENO, &status) != 0) return false;
  return fmt::format("{}:{}", status.st_dev, status.st_ino) == stream;
}

LogOutput open_stderr(SinkContext& context) {
  return {
      std::make_shared<DescriptorSink>(STDERR_FILENO, DescriptorSink::Ownership::Borrowed, context),
      stderr_is_journal() ? Envelope::Prioritised : Envelope::Timed};
}

base::Expected<LogOutput, std::string> open_output(const std::string& output,
                                                   SinkContext& context) {
  if (output == "stderr") return open_stderr(context);
  if (output == "stdout") return open_stdout(context);
  if (output == "journald") return open_journal(context);
  if (output.starts_with(kFilePrefix)) {
    return open_file(output.substr(kFilePrefix.size()), context);
  }
  return base::Unexpected{
      fmt::format("{} is none of stderr, stdout, journald, file:/path", output)};
}

}  // namespace chatgate::telemetry
