#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <chatgate/net/unique_fd.h>

namespace chatgate::admin {

/// A response as it came over the wire. `status` is 0 when there was none.
struct Answer {
  int status = 0;
  std::string head;
  std::string body;

  /// The value of a header, or "".
  std::string header(std::string_view name) const;
};

/// One connection that says exactly what it is told to; every wait ends after 20 s.
class HttpClient {
 public:
  /// Connects to 127.0.0.1, or to ::1. Throws std::system_error.
  enum class Family { V4, V6 };
  explicit HttpClient(std::uint16_t port, Family family = Family::V4);

  void send(std::string_view text);
  void finish_sending();

  /// Everything until the server closes (a reset counts as that), taken apart.
  Answer receive();

 private:
  net::UniqueFd socket_;
};

/// Sends one request with `Host: localhost` and further header lines, and gives the answer.
Answer request(std::uint16_t port, std::string_view method, std::string_view target,
               std::string_view headers = "", std::string_view body = "");
Answer get(std::uint16_t port, std::string_view target);
Answer post(std::uint16_t port, std::string_view target, std::string_view headers = "");

}  // namespace chatgate::admin
