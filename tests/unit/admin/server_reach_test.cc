#include "fake_backend.h"
#include "http_client.h"

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chatgate/admin/server.h>
#include <chatgate/net/client_socket.h>

namespace chatgate::admin {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// The ports of 127.0.0.1 on which this process listens (proc(5), /proc/net/tcp).
std::vector<std::uint16_t> listening_ports() {
  std::set<std::string> inodes;
  for (const auto& entry : std::filesystem::directory_iterator{"/proc/self/fd"}) {
    std::error_code ignored;
    inodes.insert(std::filesystem::read_symlink(entry.path(), ignored).string());
  }
  std::vector<std::uint16_t> ports;
  std::ifstream table{"/proc/net/tcp"};
  std::string line;
  while (std::getline(table, line)) {
    std::istringstream words{line};
    std::string number, local, remote, state, queues, timer, retries, user, timeout, inode;
    words >> number >> local >> remote >> state >> queues >> timer >> retries >> user >> timeout >>
        inode;
    if (state != "0A" || !inodes.contains("socket:[" + inode + ']')) continue;
    ports.push_back(static_cast<std::uint16_t>(std::stoul(local.substr(9), nullptr, 16)));
  }
  return ports;
}

class UnixSocketTest : public ::testing::Test {
 protected:
  std::string ask(std::string_view request) {
    net::ClientSocket socket{base::Clock::now() + 20s};
    EXPECT_EQ(socket.connect(*net::resolve(address_)), std::nullopt);
    EXPECT_EQ(socket.send(request), std::nullopt);
    std::string answer;
    while (true) {
      const auto size = socket.receive(answer);
      if (!size || *size == 0) return answer;
    }
  }

  const std::string path_ = ::testing::TempDir() + fmt::format("admin-{}.sock", ::getpid());
  const std::string address_ = "unix:" + path_;
  FakeBackend backend_;
  Server server_{{.address = address_, .token_file = ""}, backend_};
};

TEST_F(UnixSocketTest, ServesWhoMayWriteToItsFile) {
  EXPECT_EQ(server_.address(), address_);
  EXPECT_EQ(server_.port(), 0);
  struct ::stat status {};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0660U);
  EXPECT_THAT(ask("GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(ask("POST /drain HTTP/1.1\r\nHost: localhost\r\n\r\n"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(backend_.commands(), ElementsAre("drain"));
}

TEST_F(UnixSocketTest, IsNotReachedByThePortBehindIt) {
  const auto ports = listening_ports();
  ASSERT_EQ(ports.size(), 1U);
  EXPECT_EQ(get(ports.front(), "/status").status, 403);
  EXPECT_EQ(post(ports.front(), "/drain").status, 403);
  EXPECT_THAT(backend_.commands(), IsEmpty());
  EXPECT_THAT(ask("GET /livez HTTP/1.1\r\n\r\n"), HasSubstr("ok"));
}

TEST_F(UnixSocketTest, TakesItsFileAway) {
  const auto other = path_ + '2';
  { const Server server{{.address = "unix:" + other, .token_file = ""}, backend_}; }
  EXPECT_FALSE(std::filesystem::exists(other));
}

}  // namespace
}  // namespace chatgate::admin
