#include "garbage.h"

#include <array>
#include <iterator>

#include <fmt/format.h>

namespace chatgate::hostile {
namespace {

using namespace std::string_view_literals;

constexpr std::array kOpenings{
    "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"sv,
    "GET / HTTP/1.1\r\nHost: example\r\n\r\n"sv,
    "SSH-2.0-OpenSSH_9.2\r\n"sv,
    "PROXY TCP4 192.0.2.1 198.51.100.7 50000 1935\r\n"sv,
    "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x7f\0\0\x01\x7f\0\0\x01\xc7\xd2\xab\x7d"sv,
    "\xff\xfb\x1f\xff\xfa\x1f\0\x50\0\x18\xff\xf0\xff\xfd\x03\xff\xf6"sv,
    "收到的信息\n\xe2\x80\xae\xc2\x85\x1b[2J\n"sv,
    "hello\r\nworld\n"sv,
};
constexpr std::array kLineEnds{"\n"sv, "\r\n"sv, "\r\0"sv};

}  // namespace

std::string_view Garbage::opening() { return kOpenings[below(kOpenings.size())]; }

std::string_view Garbage::next() {
  data_.clear();
  switch (below(8)) {
    case 0:
      break;
    case 1:
      add_noise();
      break;
    case 2:
      data_ = opening();
      data_.resize(below(data_.size() + 1));
      break;
    case 3:
      damage();
      break;
    case 4:
      add_negotiation();
      break;
    case 5:
      add_lines();
      break;
    case 6:
      data_.assign(1 + below(8999), 'x');
      if (below(2) == 0) data_ += '\n';
      break;
    default:
      data_ = opening();
      add_noise();
  }
  return data_;
}

void Garbage::damage() {
  data_ = opening();
  const auto where = below(data_.size());
  data_[where] = byte();
}

void Garbage::add_noise() {
  for (auto left = 1 + below(199); left > 0; --left) data_ += byte();
}

void Garbage::add_negotiation() {
  for (auto left = 1 + below(89); left > 0; --left) {
    data_ += '\xff';
    data_ += static_cast<char>(236 + below(20));
    data_ += byte();
  }
}

void Garbage::add_lines() {
  for (auto left = 1 + below(79); left > 0; --left) {
    fmt::format_to(std::back_inserter(data_), "{:06x}", below(1 << 24));
    data_ += kLineEnds[below(kLineEnds.size())];
  }
}

}  // namespace chatgate::hostile
