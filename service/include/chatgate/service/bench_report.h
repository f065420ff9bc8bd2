#pragma once

#include <string>

#include <chatgate/bench/options.h>
#include <chatgate/bench/result.h>
#include <chatgate/bench/run.h>

namespace chatgate::service {

/// One line for a terminal that watches a run: where it is, rate, p99 and errors so far.
std::string progress_line(const bench::Progress& progress);

/// The table that a person reads at the end.
std::string bench_table(const bench::Options& options, const bench::Result& result);

/// The same as one JSON object (README.md names its fields), without a newline at its end.
std::string bench_json(const bench::Options& options, const bench::Result& result);

}  // namespace chatgate::service
