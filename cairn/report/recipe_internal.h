// What the two forms of a recipe share.
#pragma once

#include <optional>
#include <string>

#include "cairn/base/json.h"

namespace cairn::report {

Json drawable(const Json& series);                 // its points of two numbers
std::string precise(std::optional<double> value);  // at most 12 digits, as one compares them

}  // namespace cairn::report
