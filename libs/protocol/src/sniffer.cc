#include <algorithm>

#include <chatgate/base/assert.h>
#include <chatgate/protocol/sniffer.h>

namespace chatgate::protocol {
namespace {

using namespace std::string_view_literals;

// The last byte that matters is the one that no person and no line of text would send.
struct Signature {
  std::string_view bytes;
  WrongProtocol protocol;
};

constexpr std::array kSignatures{
    Signature{"\x16\x03\x00"sv, WrongProtocol::Tls},
    Signature{"\x16\x03\x01"sv, WrongProtocol::Tls},
    Signature{"\x16\x03\x02"sv, WrongProtocol::Tls},
    Signature{"\x16\x03\x03"sv, WrongProtocol::Tls},
    Signature{"\x16\x03\x04"sv, WrongProtocol::Tls}, Signature{"SSH-"sv, WrongProtocol::Ssh},
    Signature{"PROXY TCP4 "sv, WrongProtocol::Proxy},
    Signature{"PROXY TCP6 "sv, WrongProtocol::Proxy},
    Signature{"PROXY UNKNOWN"sv, WrongProtocol::Proxy},
    Signature{"\r\n\r\n\0\r\nQUIT\n"sv, WrongProtocol::Proxy},
    // Only these two methods take the asterisk form (RFC 9112, 3.2.4; RFC 9113, 3.4).
    Signature{"OPTIONS *"sv, WrongProtocol::Http}, Signature{"PRI *"sv, WrongProtocol::Http}};

constexpr std::array kMethods{"GET "sv,    "HEAD "sv,  "POST "sv,  "PUT "sv,
                              "DELETE "sv, "PATCH "sv, "TRACE "sv, "OPTIONS "sv};
constexpr std::array kTargets{"/"sv, "http"sv};

constexpr std::string_view kConnect = "CONNECT ";

enum class Match : std::uint8_t { No, Open, Yes };

Match match(std::string_view seen, std::string_view pattern) {
  if (seen.starts_with(pattern)) return Match::Yes;
  return pattern.starts_with(seen) ? Match::Open : Match::No;
}

Match match_request(std::string_view seen, std::string_view method) {
  const auto begun = match(seen, method);
  if (begun != Match::Yes) return begun;
  auto best = Match::No;
  for (const auto target : kTargets) {
    best = std::max(best, match(seen.substr(method.size()), target));
  }
  return best;
}

// `CONNECT host:1`: a word, a colon and a digit are hardly prose.
Match match_connect(std::string_view seen) {
  const auto begun = match(seen, kConnect);
  if (begun != Match::Yes) return begun;
  const auto authority = seen.substr(kConnect.size());
  const auto is_host = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-';
  };
  const auto host_end = std::find_if_not(authority.begin(), authority.end(), is_host);
  if (host_end == authority.end()) return Match::Open;
  if (host_end == authority.begin() || *host_end != ':') return Match::No;
  const auto port = host_end + 1;
  if (port == authority.end()) return Match::Open;
  return *port >= '0' && *port <= '9' ? Match::Yes : Match::No;
}

// Whether anything that is looked for begins so: it mostly does not.
constexpr bool may_begin(char first) {
  for (const auto& signature : kSignatures) {
    if (signature.bytes.front() == first) return true;
  }
  for (const auto method : kMethods) {
    if (method.front() == first) return true;
  }
  return first == kConnect.front();
}

constexpr auto kMayBegin = [] {
  std::array<bool, 256> table{};
  for (std::size_t i = 0; i < table.size(); ++i) table[i] = may_begin(static_cast<char>(i));
  return table;
}();

struct Finding {
  Match match = Match::No;
  WrongProtocol protocol{};
};

Finding examine(std::string_view seen) {
  Finding best;
  if (!kMayBegin[static_cast<unsigned char>(seen.front())]) return best;
  const auto consider = [&best](Match found, WrongProtocol protocol) {
    if (found > best.match) best = {found, protocol};
  };
  for (const auto& signature : kSignatures) {
    consider(match(seen, signature.bytes), signature.protocol);
  }
  for (const auto method : kMethods) consider(match_request(seen, method), WrongProtocol::Http);
  consider(match_connect(seen), WrongProtocol::Http);
  return best;
}

}  // namespace

Sniffer::Verdict Sniffer::feed(std::string_view bytes) {
  CHATGATE_ASSERT(!done_);
  const auto size = std::min(bytes.size(), kBytesMax - size_);
  std::copy_n(bytes.begin(), size, seen_.begin() + size_);
  size_ = static_cast<std::uint8_t>(size_ + size);
  if (size_ == 0) return std::nullopt;

  const auto finding = examine({seen_.data(), size_});
  done_ = finding.match != Match::Open || size_ == kBytesMax;
  if (finding.match != Match::Yes) return std::nullopt;
  return finding.protocol;
}

}  // namespace chatgate::protocol
