#pragma once

#include <string>
#include <string_view>

/// What the endpoint's JSON looks like to a person. Pure; what is missing in a document, as of a
/// gateway of another version, is shown as a dash.
namespace chatgate::ctl {

std::string status_text(std::string_view json);
std::string connections_text(std::string_view json);
std::string closed_text(std::string_view json);
std::string penalties_text(std::string_view json);
std::string reload_text(std::string_view json);

/// The sentence of a control's answer.
std::string result_text(std::string_view json);

}  // namespace chatgate::ctl
