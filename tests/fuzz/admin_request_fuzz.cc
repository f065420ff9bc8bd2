#include "control_guard.h"
#include "fake_backend.h"
#include "fuzz_input.h"
#include "router.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include <nlohmann/json.hpp>

#include <chatgate/base/assert.h>

namespace {

using namespace chatgate::admin;
using chatgate::fuzz::FuzzInput;

constexpr std::array kStatuses{200, 400, 401, 403, 404, 405, 409, 415, 503};

std::string_view take_line(std::string_view& text) {
  const auto line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(line.size() + 1, text.size()));
  return line;
}

}  // namespace

// Any request gets a status that clients know and a body that is what it says to be, and none but a
// POST changes anything.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const ControlGuard guard{Reach::Loopback, {}};
  FakeBackend backend;

  FuzzInput input{data, size};
  const auto flags = input.take_byte();
  auto rest = input.rest();
  Request request;
  request.method = take_line(rest);
  request.path = take_line(rest);
  request.query = take_line(rest);
  request.host = "localhost";
  if ((flags & 1) != 0) request.origin = take_line(rest);
  if ((flags & 2) != 0) request.authorization = take_line(rest);
  if ((flags & 4) != 0) request.host = take_line(rest);
  request.body = rest;

  const auto response = respond(request, backend, guard);
  CHATGATE_ASSERT(std::find(kStatuses.begin(), kStatuses.end(), response.status) !=
                  kStatuses.end());
  CHATGATE_ASSERT(request.method == "POST" || backend.commands().empty());
  if (response.content_type == "application/json") {
    CHATGATE_ASSERT(nlohmann::json::accept(response.body));
  }
  return 0;
}
