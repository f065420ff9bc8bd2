#pragma once

#include <string>

#include <chatgate/support/temp_dir.h>

namespace chatgate::support {

/// A key and its own certificate, in files that last as long as this: for `localhost` and
/// 127.0.0.1. Made by openssl(1); throws std::runtime_error when that fails.
class Certificate {
 public:
  explicit Certificate(const std::string& subject = "/CN=localhost");

  std::string certificate() const { return folder_.file("certificate.pem"); }
  std::string key() const { return folder_.file("key.pem"); }

 private:
  TempDir folder_;
};

}  // namespace chatgate::support
