#pragma once

#include <array>

namespace chatgate::service {

/// What --help and the man page both say.
struct Term {
  const char* word;
  const char* meaning;
};

inline constexpr std::array kExamples{
    Term{"chatgate run --config configs/chatgate.yaml", "serve, until SIGTERM drains it"},
    Term{"chatgate check --config chatgate.yaml", "every mistake, as file:line:column"},
    Term{"chatgate config --config chatgate.yaml", "every value, and where it comes from"},
    Term{"chatgate probe 127.0.0.1:1935 --send hello", "is it well? exit code 0 or 1"},
    Term{"chatgate bench 127.0.0.1:1935", "what does it bear, and at what latency?"},
    Term{"chatgate ctl connections --sort -age", "who is connected; ctl --help has the rest"},
    Term{"nc 127.0.0.1 1935", "talk to it"}};

inline constexpr std::array kSignals{
    Term{"SIGTERM, SIGINT", "drain: stop accepting, say goodbye, exit 0; a second one hurries"},
    Term{"SIGHUP", "reload the configuration, open log files anew"}, Term{"SIGQUIT", "stop now"}};

inline constexpr std::array kExitCodes{Term{"0", "done"}, Term{"1", "probe, bench or ctl failed"},
                                       Term{"2", "usage"}, Term{"71", "cannot start"},
                                       Term{"78", "bad configuration"}};

}  // namespace chatgate::service
