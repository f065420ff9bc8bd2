#include "status_page.h"

#include "status_page_text.h"

#include <array>
#include <cerrno>
#include <string>
#include <system_error>

#include <fmt/format.h>
#include <sys/random.h>

namespace chatgate::admin {
namespace {

std::string make_nonce() {
  std::array<unsigned char, 16> bytes;
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<::ssize_t>(bytes.size())) {
    throw std::system_error{errno, std::generic_category(), "getrandom"};
  }
  std::string nonce;
  for (const auto byte : bytes) nonce += fmt::format("{:02x}", byte);
  return nonce;
}

std::string page_with(std::string_view nonce) {
  std::string page;
  auto rest = kStatusPageText;
  while (true) {
    const auto mark = rest.find(kNonceMark);
    page += rest.substr(0, mark);
    if (mark == rest.npos) return page;
    page += nonce;
    rest.remove_prefix(mark + kNonceMark.size());
  }
}

}  // namespace

Response status_page() {
  const auto nonce = make_nonce();
  return {200,
          "text/html; charset=utf-8",
          page_with(nonce),
          {{"Content-Security-Policy",
            fmt::format("default-src 'none'; script-src 'nonce-{0}'; style-src 'nonce-{0}'; "
                        "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
                        "frame-ancestors 'none'; require-trusted-types-for 'script'; "
                        "trusted-types 'none'",
                        nonce)},
           {"Cross-Origin-Opener-Policy", "same-origin"},
           {"Cross-Origin-Resource-Policy", "same-origin"},
           {"Referrer-Policy", "no-referrer"},
           {"X-Frame-Options", "DENY"}}};
}

}  // namespace chatgate::admin
