#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <chatgate/support/eventually.h>

namespace chatgate::support {

/// What TestClient's receive functions return in place of text when there is none.
inline constexpr const char* kEof = "<eof>";
inline constexpr const char* kTimeout = "<timeout>";
inline constexpr const char* kReset = "<reset>";

/// How a TestClient makes its connection.
struct ConnectOptions {
  std::string source;  // The address to come from, such as `127.0.0.7`; empty = any.
  std::optional<int>
      receive_bytes;  // SO_RCVBUF, set before connect(2) so that it bounds the window.
  std::chrono::milliseconds patience = kPatience;  // For each operation.
};

/// A client over a real, blocking socket, every operation of which ends.
///
/// Threads: one at a time.
/// Errors: the constructors throw std::runtime_error that says what could not be done. Afterwards a
///   lost connection is a result (`<eof>`, `<reset>`), because tests ask for it.
class TestClient {
 public:
  /// Connects to `host`, an address of either family, or to the Unix socket at `unix_path`.
  TestClient(const std::string& host, std::uint16_t port, const ConnectOptions& options = {});
  explicit TestClient(std::uint16_t port, const ConnectOptions& options = {})
      : TestClient{"127.0.0.1", port, options} {}
  static TestClient to_unix(const std::string& unix_path, const ConnectOptions& options = {});

  TestClient(TestClient&& other) noexcept;
  TestClient& operator=(TestClient&& other) noexcept;
  ~TestClient();

  /// Sends all of `text`. False when the connection is gone or nobody reads for too long.
  bool send(std::string_view text);

  /// Sends what the socket takes at once, for clients that never read. Returns how many bytes.
  std::size_t send_some(std::string_view text);

  /// The next line without its `\n` (a `\r` stays), or `<eof>`, `<timeout>`, `<reset>`. Text that
  /// the end cut short comes first, as a line of its own.
  std::string receive_line();

  /// Everything up to the end of the connection; `<timeout>` or `<reset>` follow the text.
  std::string receive_until_eof();

  /// Exactly `size` bytes, or those that came, followed by `<eof>`, `<timeout>` or `<reset>`.
  std::string receive_exactly(std::size_t size);

  /// Sends FIN; the replies can still be received.
  void shutdown_write();

  /// Closes so that the kernel sends RST (SO_LINGER 0), as clients that vanish do.
  void reset();

  /// Closes in the ordinary way.
  void close();

  /// Our own address, as `127.0.0.1:4711`; `unix` for a Unix socket.
  std::string local_address() const;

  int descriptor() const noexcept { return descriptor_; }

 private:
  TestClient(int descriptor, std::chrono::milliseconds patience)
      : patience_{patience}, descriptor_{descriptor} {}

  /// Receives once into input_. Returns nothing, or the word for why there is nothing.
  std::optional<std::string> receive_more();
  std::string take(std::size_t size);

  std::chrono::milliseconds patience_;
  int descriptor_ = -1;
  std::string input_;  // Received and not yet handed out.
};

}  // namespace chatgate::support
