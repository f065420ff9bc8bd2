#pragma once

#include <cstddef>
#include <string_view>

#include <chatgate/base/units.h>
#include <chatgate/session/batch.h>
#include <chatgate/session/listener_profile.h>

namespace chatgate::session {

/// After so many unanswered messages of one client we stop reading it, until half are answered.
inline constexpr std::size_t kUnansweredMax = 64;

/// Whether answer_plain_lines() may be used for a listener of this profile.
bool answers_plain_lines(const ListenerProfile& profile) noexcept;

/// Answers the whole plain lines at the front of `input`, and takes them off; stops before a line
/// that is unfinished, too long or not plain, and once the batch holds kUnansweredMax replies or
/// more text than `profile.output.soft`. Returns how many it answered.
///
/// This is the short way of what Session does step by step, for what most clients send to most
/// services. It gives the same replies when nothing is kept of an earlier line.
/// Requires an empty batch and answers_plain_lines(profile).
/// Cost: some 150 instructions a short line; no allocation once `batch` has grown.
std::size_t answer_plain_lines(std::string_view& input, const ListenerProfile& profile,
                               base::Clock::time_point asked_at, Batch& batch);

}  // namespace chatgate::session
