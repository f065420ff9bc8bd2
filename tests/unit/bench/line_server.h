#pragma once

#include <string>
#include <thread>

namespace chatgate::bench {

/// A real server on 127.0.0.1 for one behaviour: greets each connection, then answers each line by
/// `reply`. One thread, one connection after the other by poll(2); ends with the object.
class LineServer {
 public:
  struct Behaviour {
    std::string greeting = "hello\n";
    std::string reply = "ok\n";
    int end_after = 0;  // Lines of a connection, then it is closed; 0 = never.
    bool mute = false;  // Accepts and says nothing, ever.
  };

  explicit LineServer(Behaviour behaviour);
  ~LineServer();
  LineServer(const LineServer&) = delete;
  LineServer& operator=(const LineServer&) = delete;

  std::string address() const;

 private:
  void serve();

  const Behaviour behaviour_;
  int listener_ = -1;
  int stop_[2] = {-1, -1};
  std::thread thread_;
};

}  // namespace chatgate::bench
