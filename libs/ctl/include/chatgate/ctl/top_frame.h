#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <chatgate/ctl/scrape.h>

namespace chatgate::ctl {

/// What the live view knows at one moment.
struct TopSample {
  std::string status;       // The JSON of /status.
  std::string connections;  // Of /connections, sorted.
  Scrape scrape;
  std::chrono::steady_clock::time_point at;
};

/// A key, and the column that it sorts by.
struct SortKey {
  char key;
  std::string_view column;
  std::string_view word;
};

inline constexpr std::array kSortKeys{
    SortKey{'a', "age", "age"},           SortKey{'i', "idle", "idle"},
    SortKey{'m', "messages", "messages"}, SortKey{'r', "received_bytes", "received"},
    SortKey{'s', "sent_bytes", "sent"},   SortKey{'w', "output_bytes", "waiting"}};

/// The view as lines of at most `columns` characters. `before` is the sample that rates count from;
/// `sort` is the column, with a `-` when it falls; `trouble` says why the sample is old, or
/// nothing.
std::vector<std::string> top_frame(const TopSample& before, const TopSample& now,
                                   std::string_view sort, std::string_view trouble,
                                   std::size_t rows, std::size_t columns);

}  // namespace chatgate::ctl
