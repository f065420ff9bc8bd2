#pragma once

#include "http.h"

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include <chatgate/admin/backend.h>
#include <chatgate/admin/list_query.h>

namespace chatgate::admin {

/// Keeps the order of the keys, which is written for people to read.
using Json = nlohmann::ordered_json;

Response json_response(int status, const Json& content);

Json to_json(const StatusReport& report);
Json to_json(const std::vector<ConfigValue>& values);
Json to_json(const ReloadResult& result);

/// The selected rows under `name`, one on each line, then how many matched and whether all workers
/// answered. Built row by row: as one document, 10,000 rows would take ten times their text.
std::string list_json(std::string_view name, const Table& table, const Selection& selection,
                      bool complete);

}  // namespace chatgate::admin
