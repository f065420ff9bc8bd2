#pragma once

#include <cstdint>

struct bio_st;

namespace chatgate::net {

/// A peer may send so many records that carry no data, in all: the handshake takes some ten, and
/// what follows it is a key update in many gigabytes. OpenSSL itself handles them one after the
/// other within one call, for as long as they come.
inline constexpr std::uintptr_t kControlRecordsMax = 256;

/// OpenSSL's way to a socket that is the caller's: as BIO_s_socket(3), but a peer that has gone is
/// an error of the write and no SIGPIPE, and beyond kControlRecordsMax there is nothing to read
/// any more (EPROTO). Throws std::bad_alloc.
bio_st* make_socket_bio(int socket);

/// Counts one of them.
void count_control_record(bio_st* bio);

}  // namespace chatgate::net
