#pragma once

#include <string>

#include <chatgate/config/shape.h>

namespace chatgate::config {

/// The reference of every key as Markdown: one heading and one table for each section. `defaults`
/// is an object of `root`'s type as its constructor leaves it.
std::string reference_tables(const Section& root, void* defaults);

}  // namespace chatgate::config
