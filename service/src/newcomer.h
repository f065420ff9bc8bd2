#pragma once

#include <chatgate/base/strong_id.h>
#include <chatgate/base/units.h>
#include <chatgate/net/address.h>
#include <chatgate/net/unique_fd.h>

namespace chatgate::service {

/// An accepted connection that is not decided on.
struct Newcomer {
  net::UniqueFd socket;
  net::PeerAddress peer;  // The client, once a PROXY header named it.
  net::IpAddress source;  // Whom the rules for sources count; nobody for a proxy's own connection.
  base::SessionId id;
  base::Clock::time_point accepted_at;
};

}  // namespace chatgate::service
