#pragma once

struct bio_st;

namespace chatgate::net {

/// OpenSSL's way to a socket that is the caller's: as BIO_s_socket(3), but a peer that has gone is
/// an error of the write and no SIGPIPE. Throws std::bad_alloc.
bio_st* make_socket_bio(int socket);

}  // namespace chatgate::net
