#pragma once

#include <chrono>

namespace chatgate::fuzz {

/// Moves the steady clock of this program on. It stands still otherwise: a program that is linked
/// with virtual_clock.cc has no other.
///
/// Threads: any.
void pass_time(std::chrono::nanoseconds time) noexcept;

}  // namespace chatgate::fuzz
