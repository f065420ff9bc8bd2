#pragma once

#include <chrono>
#include <thread>

namespace chatgate::base {

/// Stops the calling thread for `duration`, so that what comes meanwhile is served together, for
/// the price of one wake-up. For a thread's main loop that paces itself. Not for waiting until
/// something has happened: nothing ends a rest early.
inline void rest(std::chrono::nanoseconds duration) { std::this_thread::sleep_for(duration); }

}  // namespace chatgate::base
