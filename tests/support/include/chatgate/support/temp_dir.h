#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace chatgate::support {

/// A new empty directory that goes away with everything in it.
///
/// Errors: std::runtime_error when the directory or a file cannot be made.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::filesystem::path& path() const noexcept { return path_; }

  /// The path of `name` in it, which need not exist.
  std::string file(std::string_view name) const { return (path_ / name).string(); }

  /// Writes `content` to `name`, replacing what was there. Returns the path.
  std::string write(std::string_view name, std::string_view content) const;

  /// The content of `name`; empty when there is none.
  std::string read(std::string_view name) const;

 private:
  std::filesystem::path path_;
};

}  // namespace chatgate::support
