// A line server of the shape of Asio's chat example: a callback for each step, a shared pointer
// that keeps the session, a queue of what is still to be written. Greets, and replies to each line
// as the gateway does. Prints its port.

#include <deque>
#include <istream>
#include <memory>
#include <string>
#include <utility>

#include <asio.hpp>
#include <fmt/format.h>

namespace {

using asio::ip::tcp;

class Session : public std::enable_shared_from_this<Session> {
 public:
  explicit Session(tcp::socket socket) : socket_{std::move(socket)} {}

  void start() {
    deliver("测试成功!\n");
    read_line();
  }

 private:
  void read_line() {
    asio::async_read_until(socket_, input_, '\n',
                           [self = shared_from_this()](std::error_code error, std::size_t) {
                             if (!error) self->reply();
                           });
  }

  void reply() {
    std::istream stream{&input_};
    std::string line;
    std::getline(stream, line);
    deliver(fmt::format("收到的信息:{}\n", line));
    read_line();
  }

  void deliver(std::string line) {
    const bool writing = !output_.empty();
    output_.push_back(std::move(line));
    if (!writing) write();
  }

  void write() {
    asio::async_write(socket_, asio::buffer(output_.front()),
                      [self = shared_from_this()](std::error_code error, std::size_t) {
                        if (error) return;
                        self->output_.pop_front();
                        if (!self->output_.empty()) self->write();
                      });
  }

  tcp::socket socket_;
  asio::streambuf input_;
  std::deque<std::string> output_;
};

void accept(tcp::acceptor& acceptor) {
  acceptor.async_accept([&acceptor](std::error_code error, tcp::socket socket) {
    if (!error) {
      socket.set_option(tcp::no_delay{true});
      std::make_shared<Session>(std::move(socket))->start();
    }
    accept(acceptor);
  });
}

}  // namespace

int main() {
  asio::io_context context{1};
  tcp::acceptor acceptor{context, {asio::ip::address_v4::loopback(), 0}};
  accept(acceptor);
  fmt::print("{}\n", acceptor.local_endpoint().port());
  std::fflush(stdout);
  context.run();
}
