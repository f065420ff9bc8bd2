#include <cstdlib>
#include <stdexcept>

#include <fmt/format.h>

#include <chatgate/support/certificate.h>

namespace chatgate::support {

Certificate::Certificate(const std::string& subject) {
  const auto command = fmt::format(
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj '{}' "
      "-addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout '{}' -out '{}' >/dev/null 2>&1",
      subject, key(), certificate());
  // NOLINTNEXTLINE(concurrency-mt-unsafe,cert-env33-c): no other thread touches the environment.
  if (std::system(command.c_str()) != 0) {
    throw std::runtime_error{"cannot make a certificate: " + command};
  }
}

}  // namespace chatgate::support
