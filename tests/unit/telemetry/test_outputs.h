#pragma once

#include <string>
#include <vector>

#include <chatgate/support/eventually.h>

namespace chatgate::telemetry {

/// A folder of its own, gone with the object.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string path(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

/// A pipe; the ends may be closed early.
class Pipe {
 public:
  /// `capacity` is rounded up to whole pages by the kernel.
  explicit Pipe(int capacity);
  ~Pipe();
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  int write_end() const { return ends_[1]; }
  void close_read_end();
  /// Takes what is in the pipe now, without waiting.
  std::string take() const;
  /// What one read takes: one write, where the pipe is in packet mode.
  std::string take_packet() const;

 private:
  int ends_[2] = {-1, -1};
};

/// Makes `fd` the standard error of this process, for a scope.
class StandardErrorTo {
 public:
  explicit StandardErrorTo(int fd);
  ~StandardErrorTo();
  StandardErrorTo(const StandardErrorTo&) = delete;
  StandardErrorTo& operator=(const StandardErrorTo&) = delete;

 private:
  const int saved_;
};

std::string read_file(const std::string& path);

using support::eventually;

}  // namespace chatgate::telemetry
