#pragma once

namespace chatgate::base {

/// Prints where and what failed to standard error and aborts, so that a core holds the stack.
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line) noexcept;

}  // namespace chatgate::base

/// States what only a bug of ours can make false; stays on in release builds. Never guard with it
/// what a client or an operator can cause.
#define CHATGATE_ASSERT(expression)                                        \
  do {                                                                     \
    if (!(expression)) [[unlikely]]                                        \
      ::chatgate::base::assertion_failed(#expression, __FILE__, __LINE__); \
  } while (false)
