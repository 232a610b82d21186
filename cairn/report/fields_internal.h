// Reading result.json: what is absent or null is told apart from what is there, and nothing here throws.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "cairn/base/json.h"

namespace cairn::report {

const Json& field(const Json& object, std::string_view key);  // null when absent
bool has(const Json& object, std::string_view key);  // there, not null, not an empty list, object or text
std::optional<double> number_at(const Json& object, std::string_view key);
std::string text_at(const Json& object, std::string_view key, std::string_view otherwise = {});
bool flag_at(const Json& object, std::string_view key);

// A figure with its interval; any of the three may be unknown.
struct Figure {
  std::optional<double> value, low, high;
  bool bounded() const { return value && low && high; }
};
// From {"value", "low", "high"}, where the value may go by another name.
Figure figure_of(const Json& object, std::string_view value_key = "value");

}  // namespace cairn::report
