#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>

#include <chatgate/base/expected.h>
#include <chatgate/ctl/client.h>

namespace chatgate::ctl {

/// How a command went.
enum class Outcome : std::uint8_t {
  Done,
  Failed,     // The gateway could not be reached, or said no.
  BadConfig,  // A reload found mistakes.
};

/// Which sessions or sources, in the words of the endpoint's parameters; empty = its defaults.
struct ListWish {
  std::string sort;    // `-received_bytes`
  std::string filter;  // `source=10.0.0.0/8,listener=public,idle>5m`
  std::size_t limit = 100;
};

/// How often a view is made anew.
struct Pace {
  std::chrono::nanoseconds interval = std::chrono::seconds{2};
  std::uint64_t rounds = 0;  // Then it ends; 0 = when it is told to.
};

/// The commands of `chatgate ctl`: each asks the endpoint, prints tables for a person or the
/// endpoint's own JSON, and errors to `err`.
///
/// Threads: one, and the only one of the process while it watches.
class Control {
 public:
  Control(Client client, bool json, std::ostream& out, std::ostream& err)
      : client_{std::move(client)}, json_{json}, out_{out}, err_{err} {}

  Outcome status() const;
  Outcome connections(const ListWish& wish) const;
  /// connections() again and again, until SIGINT or SIGTERM; on a terminal in place.
  Outcome watch_connections(const ListWish& wish, const Pace& pace) const;
  Outcome closed(const ListWish& wish) const;
  Outcome penalties(const ListWish& wish) const;

  /// Ends one session, politely or by a reset.
  Outcome close(std::uint64_t id, bool abort) const;
  /// Ends all that meet the filter now. Those who come later stay.
  Outcome close_all(const std::string& filter, bool abort) const;

  /// Forgets the penalties of one source, or of all when it is empty.
  Outcome forgive(const std::string& source) const;

  Outcome force_overload() const;
  Outcome release_overload() const;
  Outcome drain() const;
  Outcome undrain() const;
  Outcome reload() const;
  Outcome set_log_level(const std::string& level) const;

  /// The live view: refreshes in place, sorts by keys, ends with `q`, SIGINT or SIGTERM and leaves
  /// the terminal as it was. A gateway that does not answer is waited for.
  Outcome top(const Pace& pace) const;

 private:
  using Report = std::string (*)(std::string_view json);

  Outcome show(const std::string& target, Report report) const;
  Outcome tell(const std::string& target) const;
  Outcome fail(std::string_view why) const;
  base::Expected<std::string, std::string> ask(const std::string& target) const;

  const Client client_;
  const bool json_;
  std::ostream& out_;
  std::ostream& err_;
};

}  // namespace chatgate::ctl
