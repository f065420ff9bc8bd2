#pragma once

struct ssl_ctx_st;

namespace chatgate::net {

/// Makes a server resume sessions by tickets (RFC 5077; RFC 8446, section 4.6.1) under keys that
/// all servers of the process share, so that a reload forgets nobody. A key seals tickets for an
/// hour, and opens them for one more.
///
/// Threads: any. Errors: without random numbers, no tickets.
void use_tickets(ssl_ctx_st* context);

}  // namespace chatgate::net
