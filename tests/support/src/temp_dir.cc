#include "chatgate/support/temp_dir.h"

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>

namespace chatgate::support {

TempDir::TempDir() {
  auto pattern = (std::filesystem::temp_directory_path() / "chatgate-test-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) {
    throw std::runtime_error{"TempDir: cannot make " + pattern};
  }
  path_ = pattern;
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TempDir::write(std::string_view name, std::string_view content) const {
  const auto path = file(name);
  std::ofstream out{path, std::ios::binary | std::ios::trunc};
  out << content << std::flush;
  if (!out) throw std::runtime_error{"TempDir: cannot write " + path};
  return path;
}

std::string TempDir::read(std::string_view name) const {
  std::ifstream in{path_ / name, std::ios::binary};
  std::ostringstream content;
  content << in.rdbuf();
  return content.str();
}

}  // namespace chatgate::support
