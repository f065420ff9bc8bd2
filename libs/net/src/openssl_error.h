#pragma once

#include <string>

namespace chatgate::net {

/// Takes this thread's queue of OpenSSL errors, and gives the first in words, or `otherwise` if
/// there is none: ERR_get_error(3).
std::string take_openssl_error(std::string otherwise);

}  // namespace chatgate::net
