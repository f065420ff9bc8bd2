#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <chatgate/config/type.h>
#include <chatgate/net/listen_options.h>
#include <chatgate/protocol/text_template.h>
#include <chatgate/service/gateway_config.h>

namespace chatgate::service {

/// `0.0.0.0:1935`, `"[::]:1935"`, `unix:/path` or `fd:NAME`.
config::Type<net::Endpoint> endpoint_type();
/// `10.0.0.0/8`, `2001:db8::/32` or a single address.
config::Type<net::Cidr> cidr_type();
/// `HOST:PORT`, or empty for no endpoint.
config::Type<std::string> admin_address_type();
/// An absolute path, or empty for none.
config::Type<std::string> path_type();
/// `stderr`, `stdout`, `journald` or `file:/path`.
config::Type<std::string> log_output_type();
/// A word that ends a session: not empty, one line.
config::Type<std::string> quit_word_type();

/// What makes a connection a top one, as the configuration and the metric write it.
config::Type<TopConnectionsOptions::By> top_connections_by_type();

/// A text that protocol::Template takes and that uses none of `senseless`, placeholders which have
/// no value where the text is sent.
config::Type<std::string> template_type(std::size_t bytes_max,
                                        std::vector<protocol::Placeholder> senseless);

}  // namespace chatgate::service
