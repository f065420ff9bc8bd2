#include <cstdio>
#include <cstdlib>

#include <chatgate/base/assert.h>

namespace chatgate::base {

void assertion_failed(const char* expression, const char* file, int line) noexcept {
  std::fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, expression);
  std::abort();
}

}  // namespace chatgate::base
