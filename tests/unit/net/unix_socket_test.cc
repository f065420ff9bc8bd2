#include <cerrno>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <chatgate/net/listening_socket.h>
#include <chatgate/support/temp_dir.h>
#include <chatgate/support/test_client.h>

namespace chatgate::net {
namespace {

using support::TestClient;

// A socket of `type` bound to `path` behind the back of the code under test.
UniqueFd bound(const std::string& path, int type) {
  UniqueFd socket{::socket(AF_UNIX, type | SOCK_CLOEXEC, 0)};
  ::sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const auto* const generic = reinterpret_cast<const ::sockaddr*>(&address);
  EXPECT_EQ(::bind(socket.get(), generic, sizeof address), 0) << errno;
  return socket;
}

class UnixSocketTest : public ::testing::Test {
 protected:
  ListeningSocket open() const {
    auto sockets = open_listening_sockets(UnixEndpoint{path_}, 128, 2, {}, {});
    EXPECT_EQ(sockets.size(), 1U);
    return std::move(sockets.front());
  }

  // The error of open(), or nothing.
  std::pair<int, std::string> refusal() const {
    try {
      open();
    } catch (const std::system_error& error) {
      return {error.code().value(), error.what()};
    }
    return {};
  }

  std::string in_use() const {
    return "cannot listen on unix:" + path_ +
           ": another process listens there: ss -ltnp tells which: Address already in use";
  }

  // The mode of the file with its type, or nothing.
  std::optional<::mode_t> file_mode() const {
    struct ::stat status {};
    if (::lstat(path_.c_str(), &status) != 0) return std::nullopt;
    return status.st_mode;
  }

  const support::TempDir folder_;
  const std::string path_ = folder_.file("gateway.sock");
};

TEST_F(UnixSocketTest, ListensAndRemovesItsFileAtTheEnd) {
  {
    const auto socket = open();
    EXPECT_EQ(socket.address(), "unix:" + path_);
    EXPECT_NO_THROW(TestClient::to_unix(path_));
  }
  EXPECT_EQ(file_mode(), std::nullopt);
}

TEST_F(UnixSocketTest, KeepsItsFileWhenItIsMoved) {
  auto socket = open();
  const auto moved = std::move(socket);
  socket = ListeningSocket{};
  EXPECT_NO_THROW(TestClient::to_unix(path_));
}

TEST_F(UnixSocketTest, ReplacesAFileThatAKilledProcessLeft) {
  bound(path_, SOCK_STREAM).reset();
  ASSERT_NE(file_mode(), std::nullopt);
  const auto socket = open();
  EXPECT_NO_THROW(TestClient::to_unix(path_));
}

TEST_F(UnixSocketTest, RefusesAFileThatAnotherListensOn) {
  const auto first = open();
  EXPECT_EQ(refusal(), std::pair(EADDRINUSE, in_use()));
  EXPECT_NO_THROW(TestClient::to_unix(path_));
}

TEST_F(UnixSocketTest, RefusesAFileWhoseListenerIsTooBusyToAnswer) {
  const auto listener = bound(path_, SOCK_STREAM);
  ASSERT_EQ(::listen(listener.get(), 0), 0);
  const auto queued = TestClient::to_unix(path_);
  EXPECT_EQ(refusal(), std::pair(EADDRINUSE, in_use()));
  EXPECT_NE(file_mode(), std::nullopt);
}

TEST_F(UnixSocketTest, RefusesAFileOfADatagramSocket) {
  const auto other = bound(path_, SOCK_DGRAM);
  EXPECT_EQ(refusal(), std::pair(EADDRINUSE, in_use()));
  EXPECT_NE(file_mode(), std::nullopt);
}

TEST_F(UnixSocketTest, RefusesAFileThatIsNoSocketAndLeavesIt) {
  folder_.write("gateway.sock", "precious");
  EXPECT_EQ(refusal(), std::pair(EEXIST, "cannot listen on unix:" + path_ +
                                             ": a file that is no socket is in the way: "
                                             "File exists"));
  EXPECT_EQ(folder_.read("gateway.sock"), "precious");
}

TEST_F(UnixSocketTest, RefusesALinkToAStaleSocketAndLeavesIt) {
  bound(folder_.file("other.sock"), SOCK_STREAM).reset();
  ASSERT_EQ(::symlink("other.sock", path_.c_str()), 0);
  EXPECT_EQ(refusal().first, EEXIST);
  EXPECT_TRUE(S_ISLNK(file_mode().value_or(0)));
}

TEST_F(UnixSocketTest, SaysThatItsFolderIsMissing) {
  const auto path = folder_.file("missing/gateway.sock");
  try {
    open_listening_sockets(UnixEndpoint{path}, 128, 1, {}, {});
    FAIL();
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code().value(), ENOENT);
    EXPECT_EQ(error.what(), "cannot listen on unix:" + path + ": bind: No such file or directory");
  }
}

TEST_F(UnixSocketTest, LeavesTheFileOfASuccessor) {
  std::optional<ListeningSocket> first{open()};
  ASSERT_EQ(::unlink(path_.c_str()), 0);
  const auto successor = open();
  first.reset();
  EXPECT_NO_THROW(TestClient::to_unix(path_));
}

class UnixSocketModeTest : public UnixSocketTest, public ::testing::WithParamInterface<::mode_t> {
 protected:
  ~UnixSocketModeTest() override { ::umask(before_); }

  const ::mode_t before_ = ::umask(GetParam());
};

TEST_P(UnixSocketModeTest, IsForTheOwnerAndTheGroup) {
  const auto socket = open();
  EXPECT_EQ(file_mode(), ::mode_t{S_IFSOCK | 0660});
}

INSTANTIATE_TEST_SUITE_P(WhateverTheUmask, UnixSocketModeTest,
                         ::testing::Values(0000, 0022, 0077, 0777));

}  // namespace
}  // namespace chatgate::net
